namespace PyResolve.StripeSimulator;

/// <summary>How payments with a customer's card go.</summary>
public enum CardBehaviour
{
    /// <summary>Every payment succeeds.</summary>
    Works,

    /// <summary>Every payment is declined.</summary>
    Declined,

    /// <summary>The first payment succeeds, every renewal is declined.</summary>
    FailsOnRenewal,
}
