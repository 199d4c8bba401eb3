using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class InvoiceCalls
{
    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Invoices, "invoice").Render();

    public static JsonObject List(ApiCall call)
    {
        var form = call.Form;
        return Lists.Page(call, "/v1/invoices", "invoice", call.State.Invoices.NewestFirst.Where(invoice =>
            Lists.Matches(form, "customer", invoice.CustomerId)
            && Lists.Matches(form, "subscription", invoice.SubscriptionId)
            && Lists.Matches(form, "status", invoice.Status)
            && Lists.MatchesRange(form, "created", invoice.Created)));
    }

    public static JsonObject Pay(ApiCall call)
    {
        var invoice = call.GetByPath(call.State.Invoices, "invoice");
        if (invoice.Status != "open")
            throw ApiErrorException.Invalid(
                invoice.Status == "paid" ? "Invoice is already paid" : $"Invoice is {invoice.Status}, not open.");
        var subscription = call.State.Subscriptions.Get(invoice.SubscriptionId);
        if (!Payments.TryPay(call.State, invoice, isRenewal: false))
            throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);
        SubscriptionChanges.ApplyPending(call.State, subscription, invoice);
        if (!subscription.OpenInvoices.Any())
            Renewals.Reactivate(call.State, subscription);
        return invoice.Render();
    }
}
