using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class PaymentIntentCalls
{
    private const string Kind = "payment_intent";
    private const long GreatestAmount = 99_999_999;

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var customer = call.FindByParameter(state.Customers, "customer", "customer");
        var method = PaymentMethodCalls.FindOrMake(call, "payment_method", customer);
        var intent = PaymentIntents.Add(state, new PaymentIntent
        {
            Id = state.Ids.Next("pi"),
            Created = state.NowOn(customer?.TestClockId),
            Amount = RequireAmount(form.Number("amount")!.Value),
            Currency = form.Text("currency")!,
            CustomerId = customer?.Id,
            TestClockId = customer?.TestClockId,
            Description = form.Text("description"),
            ReceiptEmail = form.Text("receipt_email"),
            Metadata = form.Merge("metadata"),
            PaymentMethodId = method?.Id,
            FutureUsage = form.Text("setup_future_usage"),
            Status = method is null ? "requires_payment_method" : "requires_confirmation",
        });
        if (form.Is("confirm"))
            Confirm(call, intent, method);
        return intent.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.PaymentIntents, Kind).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(
        call, "/v1/payment_intents", Kind, call.State.PaymentIntents.NewestFirst.Where(intent =>
            Lists.Matches(call.Form, "customer", intent.CustomerId) && Lists.MatchesRange(call.Form, "created", intent.Created)));

    public static JsonObject Update(ApiCall call)
    {
        var form = call.Form;
        var intent = call.GetByPath(call.State.PaymentIntents, Kind);
        if (form.Has("amount") && intent.Status is not ("requires_payment_method" or "requires_confirmation"))
            throw Unexpected(intent);
        call.State.Events.Change(intent, () =>
        {
            intent.Amount = form.Number("amount") is { } amount ? RequireAmount(amount) : intent.Amount;
            intent.Description = form.Text("description") ?? intent.Description;
            intent.ReceiptEmail = form.Text("receipt_email") ?? intent.ReceiptEmail;
            intent.Metadata = form.Merge("metadata", intent.Metadata);
        });
        return intent.Render();
    }

    public static JsonObject Confirm(ApiCall call)
    {
        var intent = call.GetByPath(call.State.PaymentIntents, Kind);
        if (intent.Status is not ("requires_payment_method" or "requires_confirmation"))
            throw Unexpected(intent);
        var customer = intent.CustomerId is { } id ? call.State.Customers.Get(id) : null;
        var method = PaymentMethodCalls.FindOrMake(call, "payment_method", customer)
            ?? (intent.PaymentMethodId is { } known ? call.State.PaymentMethods.Get(known) : null);
        Confirm(call, intent, method);
        return intent.Render();
    }

    public static JsonObject Cancel(ApiCall call)
    {
        var intent = call.GetByPath(call.State.PaymentIntents, Kind);
        if (intent.Status is "succeeded" or "canceled" or "processing")
            throw Unexpected(intent);
        intent.CancellationReason = call.Form.Text("cancellation_reason");
        PaymentIntents.Cancel(call.State, intent);
        return intent.Render();
    }

    private static void Confirm(ApiCall call, PaymentIntent intent, PaymentMethod? method)
    {
        if (method is null)
            throw ApiErrorException.Invalid(
                "You cannot confirm this PaymentIntent because it's missing a payment method.", "payment_method");
        var outcome = PaymentIntents.Attempt(call.State, intent, method.Behaviour, method.Id, isRenewal: false);
        if (intent.InvoiceId is { } invoice)
            InvoiceSettlement.Follow(call.State, call.State.Invoices.Get(invoice), outcome);
        if (outcome == PaymentOutcome.Failed)
            throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);
    }

    private static long RequireAmount(long amount) => amount is > 0 and <= GreatestAmount
        ? amount
        : throw ApiErrorException.Invalid($"Invalid integer: must be from 1 to {GreatestAmount}", "amount");

    private static ApiErrorException Unexpected(PaymentIntent intent) => ApiErrorException.Invalid(
        $"This PaymentIntent has a status of {intent.Status}, in which this call is not possible.",
        code: "payment_intent_unexpected_state");
}
