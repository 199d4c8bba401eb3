using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>Payment methods, by the names and numbers that Stripe has for tests.</summary>
internal static class PaymentMethodCalls
{
    private const string Kind = "PaymentMethod";

    public static JsonObject Create(ApiCall call)
    {
        var form = call.Form;
        var behaviour = form.Text("type") == "sepa_debit"
            ? OfAccount(form.Text("sepa_debit.iban") ?? throw ApiErrorException.MissingParameter("sepa_debit[iban]"))
            : OfCard(form.Text("card.token") ?? form.Text("card.number") ?? throw ApiErrorException.MissingParameter("card"));
        var method = PaymentMethods.Add(call.State, behaviour, customer: null);
        method.Metadata = form.Merge("metadata");
        method.BillingEmail = form.Text("billing_details.email");
        method.BillingName = form.Text("billing_details.name");
        return method.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.PaymentMethods, Kind).Render();

    public static JsonObject List(ApiCall call) => List(call, call.FindByParameter(call.State.Customers, "customer", "customer")?.Id);

    public static JsonObject ListOfCustomer(ApiCall call) => List(call, call.GetByPath(call.State.Customers, "customer").Id);

    public static JsonObject Attach(ApiCall call)
    {
        var customer = call.FindByParameter(call.State.Customers, "customer", "customer")!;
        if (Named(call.Id) is { } behaviour)
            return PaymentMethods.Add(call.State, RequireAttachable(call.Id, behaviour), customer).Render();
        var method = call.GetByPath(call.State.PaymentMethods, Kind);
        if (method.CustomerId is not null && method.CustomerId != customer.Id)
            throw ApiErrorException.Invalid("The payment method you provided has already been attached to a customer.");
        PaymentMethods.Attach(call.State, method, customer);
        return method.Render();
    }

    public static JsonObject Detach(ApiCall call)
    {
        var method = call.GetByPath(call.State.PaymentMethods, Kind);
        if (method.CustomerId is null)
            throw ApiErrorException.Invalid("The payment method you provided is not attached to a customer.");
        PaymentMethods.Detach(call.State, method);
        return method.Render();
    }

    /// <summary>A parameter that names a payment method, or one of Stripe's test methods, which is made for the customer.</summary>
    public static PaymentMethod? FindOrMake(ApiCall call, string param, Customer? customer)
    {
        if (call.Form.Text(param) is not { } id)
            return null;
        if (Named(id) is { } behaviour)
            return PaymentMethods.Add(call.State, behaviour, customer);
        return ApiCall.GetByParameter(call.State.PaymentMethods, Kind, id, param);
    }

    private static JsonObject List(ApiCall call, string? customer) => Lists.Page(
        call, "/v1/payment_methods", Kind, call.State.PaymentMethods.NewestFirst.Where(method =>
            method.CustomerId is not null && method.CustomerId == customer
            && Lists.Matches(call.Form, "type", (string?)method.Render()["type"])));

    private static CardBehaviour? Named(string id) => id switch
    {
        "pm_card_visa" or "pm_card_mastercard" or "pm_card_amex" => CardBehaviour.Works,
        "pm_card_chargeCustomerFail" or "pm_card_visa_chargeDeclined" or "pm_card_chargeDeclined" => CardBehaviour.Declined,
        _ => null,
    };

    private static CardBehaviour RequireAttachable(string id, CardBehaviour behaviour) => id == "pm_card_chargeCustomerFail"
        || behaviour == CardBehaviour.Works ? behaviour : throw ApiErrorException.CardDeclined(Payments.DeclinedMessage);

    private static CardBehaviour OfCard(string name) => name switch
    {
        "tok_visa" or "tok_mastercard" or "4242424242424242" or "5555555555554444" => CardBehaviour.Works,
        "tok_chargeCustomerFail" or "4000000000000341" or "tok_chargeDeclined" or "4000000000000002" => CardBehaviour.Declined,
        _ => throw ApiErrorException.Invalid($"The simulator does not have this card: {name}. Stripe may.", "card"),
    };

    private static CardBehaviour OfAccount(string iban) => iban switch
    {
        "DE08370400440532013003" or "DE89370400440532013000" => CardBehaviour.SettlesLater,
        "DE78370400440532013004" or "DE62370400440532013001" => CardBehaviour.BouncesLater,
        _ => throw ApiErrorException.Invalid($"The simulator does not have this account: {iban}. Stripe may.", "sepa_debit[iban]"),
    };
}
