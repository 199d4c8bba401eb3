using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>Charges, and what becomes of them: refunds and disputes.</summary>
internal static class ChargeCalls
{
    public static JsonObject List(ApiCall call) => Lists.Page(call, "/v1/charges", "charge", call.State.Charges.NewestFirst.Where(charge =>
        Lists.Matches(call.Form, "customer", charge.Intent.CustomerId)
        && Lists.Matches(call.Form, "payment_intent", charge.Intent.Id)
        && !call.Form.Has("transfer_group")
        && Lists.MatchesRange(call.Form, "created", charge.Created)));

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Charges, "charge").Render();

    public static JsonObject Refund(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        if (form.Has("charge") == form.Has("payment_intent"))
            throw ApiErrorException.Invalid("One of the following params should be provided: charge, payment_intent.");
        var charge = call.FindByParameter(state.Charges, "charge", "charge") ?? LatestOf(
            state, call.FindByParameter(state.PaymentIntents, "payment_intent", "payment_intent")!);
        if (charge is not { Status: "succeeded" })
            throw ApiErrorException.Invalid("This PaymentIntent does not have a successful charge to refund.", "payment_intent");
        var left = charge.Amount - charge.AmountRefunded;
        if (left == 0)
            throw ApiErrorException.Invalid($"Charge {charge.Id} has already been refunded.", code: "charge_already_refunded");
        if (charge.IsDisputed)
            throw ApiErrorException.Invalid($"Charge {charge.Id} has been disputed.", code: "charge_disputed");
        var amount = form.Number("amount") ?? left;
        if (amount <= 0 || amount > left)
            throw ApiErrorException.Invalid($"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount");
        return Refunds.Give(state, charge, amount, form.Text("reason"), form.Merge("metadata")).Render();
    }

    public static JsonObject GetRefund(ApiCall call) => call.GetByPath(call.State.Refunds, "refund").Render();

    public static JsonObject ListRefunds(ApiCall call) => Lists.Page(call, "/v1/refunds", "refund", call.State.Refunds.NewestFirst.Where(
        refund => Lists.Matches(call.Form, "charge", refund.Charge.Id)
            && Lists.Matches(call.Form, "payment_intent", refund.Charge.Intent.Id)
            && Lists.MatchesRange(call.Form, "created", refund.Created)));

    public static JsonObject ListDisputes(ApiCall call) => Lists.Page(
        call, "/v1/disputes", "dispute", call.State.Disputes.NewestFirst.Where(dispute =>
            Lists.Matches(call.Form, "charge", dispute.Charge.Id)
            && Lists.Matches(call.Form, "payment_intent", dispute.Charge.Intent.Id)
            && Lists.MatchesRange(call.Form, "created", dispute.Created)));

    public static JsonObject GetDispute(ApiCall call) => call.GetByPath(call.State.Disputes, "dispute").Render();

    /// <summary>The business gives in: the dispute is lost.</summary>
    public static JsonObject CloseDispute(ApiCall call)
    {
        var dispute = call.GetByPath(call.State.Disputes, "dispute");
        if (dispute.Status != "needs_response")
            throw ApiErrorException.Invalid("This dispute is already closed", code: "dispute_already_closed");
        Refunds.Close(call.State, dispute, isWon: false);
        return dispute.Render();
    }

    public static JsonObject ListInvoicePayments(ApiCall call) => Lists.Page(
        call, "/v1/invoice_payments", "invoice_payment", call.State.InvoicePayments.NewestFirst.Where(payment =>
            Lists.Matches(call.Form, "invoice", payment.Invoice.Id)
            && Lists.Matches(call.Form, "payment.payment_intent", payment.Intent.Id)
            && Lists.Matches(call.Form, "status", payment.Status)
            && Lists.MatchesRange(call.Form, "created", payment.Created)));

    public static JsonObject GetInvoicePayment(ApiCall call) => call.GetByPath(call.State.InvoicePayments, "invoice_payment").Render();

    private static Charge? LatestOf(StripeState state, PaymentIntent intent) =>
        intent.LatestChargeId is { } id ? state.Charges.Get(id) : null;
}
