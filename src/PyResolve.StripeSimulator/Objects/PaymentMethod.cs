using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

internal sealed class PaymentMethod : StripeObject
{
    public override string Kind => "payment_method";

    public required CardBehaviour Behaviour { get; init; }

    public string? CustomerId { get; set; }

    public string? BillingEmail { get; set; }

    public string? BillingName { get; set; }

    public Dictionary<string, string> Metadata { get; set; } = [];

    private bool IsDebit => Behaviour is CardBehaviour.SettlesLater or CardBehaviour.BouncesLater;

    public override JsonObject Render()
    {
        var method = new JsonObject
        {
            ["id"] = Id,
            ["object"] = Kind,
            ["billing_details"] = new JsonObject
            {
                ["address"] = null, ["email"] = BillingEmail, ["name"] = BillingName, ["phone"] = null,
            },
            ["created"] = Created,
            ["customer"] = CustomerId,
            ["livemode"] = false,
            ["metadata"] = Shapes.Map(Metadata),
            ["type"] = IsDebit ? "sepa_debit" : "card",
        };
        if (IsDebit)
            method["sepa_debit"] = new JsonObject { ["bank_code"] = "37040044", ["country"] = "DE", ["last4"] = "3004" };
        else
            method["card"] = new JsonObject
            {
                ["brand"] = "visa",
                ["country"] = "US",
                ["exp_month"] = 12,
                ["exp_year"] = 2040,
                ["funding"] = "credit",
                ["last4"] = Behaviour == CardBehaviour.Works ? "4242" : "0341",
            };
        return method;
    }
}
