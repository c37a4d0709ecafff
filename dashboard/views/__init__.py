"""The pages, a file each, which Streamlit runs from top to bottom."""
