namespace PyResolve.StripeSimulator;

/// <summary>The result of payments with a customer's card, or by a debit from a bank account.</summary>
public enum CardBehaviour
{
    /// <summary>Every payment succeeds at once.</summary>
    Works,

    /// <summary>Every payment is declined.</summary>
    Declined,

    /// <summary>The first payment succeeds, every renewal is declined.</summary>
    FailsOnRenewal,

    /// <summary>A debit from a bank account: each payment succeeds after three days.</summary>
    SettlesLater,

    /// <summary>A debit from a bank account: each payment fails after three days.</summary>
    BouncesLater,
}

internal static class CardNames
{
    public static CardBehaviour? Parse(string? name) => name switch
    {
        "works" => CardBehaviour.Works,
        "declined" => CardBehaviour.Declined,
        "fails_on_renewal" => CardBehaviour.FailsOnRenewal,
        "settles_later" => CardBehaviour.SettlesLater,
        "bounces_later" => CardBehaviour.BouncesLater,
        _ => null,
    };
}
