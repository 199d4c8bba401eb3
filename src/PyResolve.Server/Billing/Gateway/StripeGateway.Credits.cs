using System.Globalization;

namespace PyResolve.Server.Billing.Gateway;

/// <summary>Credits: one-off payments, and what has become of them.</summary>
internal sealed partial class StripeGateway
{
    public Task<StripeCheckoutSession> CreatePurchaseAsync(
        NewPurchase purchase, string idempotencyKey, CancellationToken cancellationToken)
    {
        var metadata = OfUser(purchase.UserId);
        metadata[NewPurchase.UnitsKey] = purchase.Units.ToString(CultureInfo.InvariantCulture);
        if (purchase.ValidDays is { } days)
            metadata[NewPurchase.DaysKey] = days.ToString(CultureInfo.InvariantCulture);
        var session = SellBy(purchase.Price, quantity: 1);
        session.Mode = "payment";
        session.Customer = purchase.CustomerId;
        session.ClientReferenceId = purchase.UserId.ToString();
        session.SuccessUrl = purchase.SuccessUrl;
        session.CancelUrl = purchase.CancelUrl;
        session.Metadata = metadata;
        // Stripe copies it to the charge, by which a refund is known to be one of credits.
        session.PaymentIntentData = new() { Metadata = metadata };
        if (options.Checkout is { AutomaticTax: true } or { TaxIds: true })
            session.CustomerUpdate = new() { Address = "auto", Name = options.Checkout.TaxIds ? "auto" : null };
        return StripeConnection.ReadAsync(
            Api.Checkout.Sessions.CreateAsync(session, Under(idempotencyKey), cancellationToken), StripeReading.Checkout);
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
        return [.. sessions.OfType<PaidCredits>()];
    }

    /// <returns>null where it sold something else, or is not paid.</returns>
    private static PaidCredits? PaidCreditsOf(Stripe.Checkout.Session session)
    {
        if (session is not { Mode: "payment", PaymentStatus: "paid" or "no_payment_required" }
            || !Guid.TryParse(session.ClientReferenceId, out var userId)
            || Number(session.Metadata, NewPurchase.UnitsKey) is not { } units)
            return null;
        var refunded = session.PaymentIntent?.LatestCharge switch
        {
            { Disputed: true } => 100,
            { Amount: > 0 } charge => (int)(((charge.AmountRefunded * 100) + charge.Amount - 1) / charge.Amount),
            _ => 0,
        };
        return new PaidCredits(
            session.Id, userId, units, Number(session.Metadata, NewPurchase.DaysKey), new DateTimeOffset(session.Created, TimeSpan.Zero),
            refunded);
    }

    private static int? Number(IReadOnlyDictionary<string, string>? metadata, string key) =>
        int.TryParse(metadata?.GetValueOrDefault(key), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : null;
}
