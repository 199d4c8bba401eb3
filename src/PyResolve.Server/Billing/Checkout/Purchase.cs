using System.Globalization;
using PyResolve.Server.Billing.Gateway;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Checkout;

/// <summary>The plan, price and number of seats that a checkout is for.</summary>
/// <param name="PriceId">Stripe's id of the price.</param>
/// <param name="Quantity">How many seats.</param>
internal sealed record Purchase(Plan Plan, CatalogPrice Price, string PriceId, int Quantity)
{
    /// <summary>The subscription that a trial without a card has paused: a way to pay is asked for in place of a new one.</summary>
    public string? Resumes { get; init; }

    /// <summary>The paused subscription to something else, which ends first: nothing was ever paid for it.</summary>
    public string? Replaces { get; init; }

    /// <summary>Tells purchases apart. A checkout for another price or number of seats takes the place of the open one.</summary>
    public string Key => Resumes is not null ? $"resumes:{Resumes}"
        : Quantity == 1 ? PriceId
        : string.Create(CultureInfo.InvariantCulture, $"{PriceId}*{Quantity}");

    /// <summary>
    /// The purchase in place of a paused subscription, which goes on only if it is just what was chosen: the page that asks for a card
    /// shows no price.
    /// </summary>
    public Purchase InPlaceOf(StripeSubscription? paused) => paused is null ? this
        : IsOf(paused) ? this with { Resumes = paused.Id }
        : this with { Replaces = paused.Id };

    /// <summary>Whether a subscription is to just this. Metered items beside it are extras.</summary>
    private bool IsOf(StripeSubscription subscription) =>
        (subscription.Items?.Data ?? []).Where(item => item.Price?.Id == PriceId || item.Price is not { IsMetered: true }).ToList()
            is [var only] && only.Price?.Id == PriceId && (Price.IsMetered || (only.Quantity ?? 1) == Quantity);
}
