namespace PyResolve.StripeSimulator;

/// <summary>The result of payments with a customer's card.</summary>
public enum CardBehaviour
{
    Works,

    Declined,

    /// <summary>The first payment succeeds, every renewal is declined.</summary>
    FailsOnRenewal,
}

internal static class CardNames
{
    public static CardBehaviour? Parse(string? name) => name switch
    {
        "works" => CardBehaviour.Works,
        "declined" => CardBehaviour.Declined,
        "fails_on_renewal" => CardBehaviour.FailsOnRenewal,
        _ => null,
    };
}
