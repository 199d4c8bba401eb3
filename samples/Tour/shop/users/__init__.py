"""Who may buy: accounts, addresses, preferences."""
