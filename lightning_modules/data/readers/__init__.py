"""Files of people: tables, series, images, tokenizers."""
