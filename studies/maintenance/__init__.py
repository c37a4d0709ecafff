"""What keeps homes healthy: doctor, and the import of earlier ones."""
