"""What is for sale: products and their prices."""
