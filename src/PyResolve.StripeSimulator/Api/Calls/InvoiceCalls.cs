using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class InvoiceCalls
{
    public static JsonObject Get(ApiCall call) => call.InPath(call.World.Invoices, "invoice").Render();

    public static JsonObject List(ApiCall call)
    {
        var form = call.Form;
        return Lists.Page(call, "/v1/invoices", "invoice", call.World.Invoices.NewestFirst.Where(invoice =>
            Lists.IsAsked(form, "customer", invoice.CustomerId)
            && Lists.IsAsked(form, "subscription", invoice.SubscriptionId)
            && Lists.IsAsked(form, "status", invoice.Status)
            && Lists.IsWithin(form, "created", invoice.Created)));
    }

    public static JsonObject Pay(ApiCall call)
    {
        var invoice = call.InPath(call.World.Invoices, "invoice");
        if (invoice.Status != "open")
            throw StripeException.Invalid(invoice.Status == "paid" ? "Invoice is already paid" : $"Invoice is {invoice.Status}, not open.");
        var subscription = call.World.Subscriptions.Get(invoice.SubscriptionId);
        if (!Payments.Try(call.World, invoice, isRenewal: false))
            throw StripeException.CardDeclined(Payments.Declined);
        SubscriptionChanges.SettlePending(call.World, subscription, invoice);
        if (!subscription.OpenInvoices.Any())
            Renewals.Recover(call.World, subscription);
        return invoice.Render();
    }
}
