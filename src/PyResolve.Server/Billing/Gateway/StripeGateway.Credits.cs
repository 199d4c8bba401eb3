using System.Globalization;
using Stripe;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Credits: one-off payments, and what has become of them.</summary>
internal sealed partial class StripeGateway
{
    public Task<StripeCheckoutSession> CreatePurchaseAsync(
        NewPurchase purchase, string idempotencyKey, CancellationToken cancellationToken) => StripeConnection.ReadAsync(
        Api.Checkout.Sessions.CreateAsync(Session(purchase), Under(idempotencyKey), cancellationToken), StripeReading.Checkout);

    public Task TryPurchaseAsync(NewPurchase purchase, CancellationToken cancellationToken) =>
        OpenAndCloseAsync(Session(purchase), cancellationToken);

    private Stripe.Checkout.SessionCreateOptions Session(NewPurchase purchase)
    {
        var metadata = OfUser(purchase.UserId);
        metadata[NewPurchase.UnitsKey] = purchase.Units.ToString(CultureInfo.InvariantCulture);
        if (purchase.ValidDays is { } days)
            metadata[NewPurchase.DaysKey] = days.ToString(CultureInfo.InvariantCulture);
        var session = SellBy(purchase.Price, quantity: 1, purchase.CustomerId);
        session.Mode = "payment";
        session.ClientReferenceId = purchase.UserId.ToString();
        session.SuccessUrl = purchase.SuccessUrl;
        session.CancelUrl = purchase.CancelUrl;
        session.Metadata = metadata;
        // Stripe copies it to the charge, by which a refund is known to be one of credits.
        session.PaymentIntentData = new() { Metadata = metadata };
        return session;
    }

    public async Task<IReadOnlyList<PaidCredits>> ListPaidCreditsAsync(string customerId, CancellationToken cancellationToken)
    {
        var sessions = await ListAsync(
            new Stripe.Checkout.SessionListOptions
            {
                Customer = customerId,
                Status = StripeCheckoutSession.Complete,
                Expand = ["data.payment_intent.latest_charge"],
            },
            list => Api.Checkout.Sessions.ListAsync(list, cancellationToken: cancellationToken),
            PaidCreditsOf);
        var all = new List<PaidCredits>();
        foreach (var (paid, disputed) in sessions)
        {
            if (paid is not null)
            {
                var isWithdrawn = disputed is not null && await IsWithdrawnAsync(disputed, cancellationToken);
                all.Add(isWithdrawn ? paid with { RefundedPercent = 100 } : paid);
            }
        }

        return all;
    }

    /// <summary>
    /// Whether the money of a charge is gone. A charge that was disputed stays so; a dispute that is won returns the money.
    /// </summary>
    private async Task<bool> IsWithdrawnAsync(string charge, CancellationToken cancellationToken) => (await ListAsync(
        new DisputeListOptions { Charge = charge },
        list => Api.Disputes.ListAsync(list, cancellationToken: cancellationToken),
        StripeReading.Dispute)).Any(static dispute => dispute.FundsWithdrawn);

    /// <returns>null where it sold something else, or is not paid; and the charge, if it is or was disputed.</returns>
    private static (PaidCredits? Paid, string? Disputed) PaidCreditsOf(Stripe.Checkout.Session session)
    {
        if (session is not { Mode: "payment", PaymentStatus: "paid" or "no_payment_required" }
            || !Guid.TryParse(session.ClientReferenceId, out var userId)
            || Number(session.Metadata, NewPurchase.UnitsKey) is not { } units)
            return default;
        var charge = session.PaymentIntent?.LatestCharge;
        var refunded = charge is { Amount: > 0 } ? (int)(((charge.AmountRefunded * 100) + charge.Amount - 1) / charge.Amount) : 0;
        var paid = new PaidCredits(session.Id, userId, units, Number(session.Metadata, NewPurchase.DaysKey), refunded);
        return (paid, charge is { Disputed: true } ? charge.Id : null);
    }

    private static int? Number(IReadOnlyDictionary<string, string>? metadata, string key) =>
        int.TryParse(metadata?.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : null;
}
