"""How it is paid: charges, refunds, the payment provider."""
