"""How it gets there: parcels and carriers."""
