"""What a LightningModule of the user's logs by itself, beside `self.log`."""
