using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Lifecycle;

internal static class Invoices
{
    /// <summary>An invoice of a subscription, with its discounts and its tax. It is not kept, and sends no event.</summary>
    public static Invoice Draft(
        StripeState state, Subscription subscription, IReadOnlyList<InvoiceLine> lines, string reason, string? id = null)
    {
        id ??= state.Ids.Next("in");
        var invoice = new Invoice
        {
            Id = id,
            Url = $"{state.BaseUrl}/i/{id}",
            Created = state.NowOn(subscription.TestClockId),
            CustomerId = subscription.CustomerId,
            SubscriptionId = subscription.Id,
            Number = state.Ids.Next("SIM").Replace('_', '-'),
            Currency = subscription.Currency,
            Lines = lines,
            HasAutomaticTax = subscription.HasAutomaticTax,
            StartingBalance = state.Customers.Get(subscription.CustomerId).Balance,
            BillingReason = reason,
            TestClockId = subscription.TestClockId,
            PeriodStart = subscription.PeriodStart,
            PeriodEnd = subscription.PeriodEnd,
            SubscriptionMetadata = subscription.Metadata,
        };
        invoice.Discounts = Coupons.Apply(subscription.Discounts, invoice.Subtotal, invoice.Created);
        return invoice;
    }

    public static Invoice Create(StripeState state, Subscription subscription, IReadOnlyList<InvoiceLine> lines, string reason)
    {
        var id = state.Ids.Next("in");
        var pending = InvoiceLines.TakePending(state, subscription.CustomerId, subscription.Id, subscription.Currency, id);
        var invoice = Draft(state, subscription, [.. lines, .. pending], reason, id);
        state.Invoices.Add(invoice);
        subscription.Invoices.Add(invoice);
        state.Events.Emit(invoice, "created");
        Issue(state, invoice);
        Coupons.Use(state, subscription, invoice);
        return invoice;
    }

    /// <summary>From now on it can be paid.</summary>
    public static void Issue(StripeState state, Invoice invoice)
    {
        var customer = state.Customers.Get(invoice.CustomerId);
        invoice.StartingBalance = customer.Balance;
        customer.Balance = invoice.EndingBalance;
        invoice.Status = "open";
        if (invoice.AmountDue > 0)
            AskForPayment(state, invoice);
        state.Events.Emit(invoice, "finalized");
    }

    private static void AskForPayment(StripeState state, Invoice invoice)
    {
        invoice.Intent = PaymentIntents.Add(state, new PaymentIntent
        {
            Id = state.Ids.Next("pi"),
            Created = state.NowOn(invoice.TestClockId),
            Amount = invoice.AmountDue,
            Currency = invoice.Currency,
            CustomerId = invoice.CustomerId,
            InvoiceId = invoice.Id,
            TestClockId = invoice.TestClockId,
            Description = invoice.BillingReason.Replace('_', ' '),
        });
        invoice.Payment = state.InvoicePayments.Add(new InvoicePayment
        {
            Id = state.Ids.Next("inpay"),
            Created = invoice.Created,
            Invoice = invoice,
            Intent = invoice.Intent,
        });
    }
}
