"""What the customer hears: mails and their settings."""
