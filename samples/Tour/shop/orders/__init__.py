"""What was bought: order lines, totals, states."""
