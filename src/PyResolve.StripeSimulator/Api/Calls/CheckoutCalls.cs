using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class CheckoutCalls
{
    private const string Kind = "checkout.session";
    private const int LongestReference = 200;
    private const long ShortestLife = 30 * 60;
    private const long LongestLife = 24 * 60 * 60;

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var mode = form.Text("mode") ?? throw ApiErrorException.MissingParameter("mode");
        string[] ofOtherModes = mode switch
        {
            "payment" => ["subscription_data"],
            "setup" => ["line_items", "subscription_data", "payment_intent_data", "discounts", "allow_promotion_codes", "automatic_tax"],
            _ => ["payment_intent_data"],
        };
        if (Array.Find(ofOtherModes, form.Has) is { } foreign)
            throw ApiErrorException.Invalid($"You can not pass `{foreign}` in `{mode}` mode.", foreign);
        if (mode == "setup" && !form.Has("currency"))
            throw ApiErrorException.MissingParameter("currency");
        if (mode != "setup" && form.Has("currency"))
            throw ApiErrorException.Invalid("The simulator does not have `currency` in this mode. Stripe may.", "currency");
        if (form.Has("discounts") && form.Is("allow_promotion_codes"))
            throw ApiErrorException.Invalid(
                "You may only specify one of these parameters: allow_promotion_codes, discounts.", "allow_promotion_codes");
        if (form.Has("customer_creation") && (form.Has("customer") || mode != "payment"))
            throw ApiErrorException.Invalid(
                "`customer_creation` can only be used in `payment` mode, without `customer`.", "customer_creation");
        if (form.Has("customer") && form.Has("customer_email"))
            throw ApiErrorException.Invalid("You may only specify one of these parameters: customer, customer_email.", "customer");
        if (form.Has("customer_update") && !form.Has("customer"))
            throw ApiErrorException.Invalid("`customer_update` can only be used with `customer`.", "customer_update");
        if (form.Is("tax_id_collection.enabled") && form.Has("customer") && form.Text("customer_update.name") != "auto")
        {
            throw ApiErrorException.Invalid(
                "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing customer, "
                + "please set `customer_update[name]` to `auto`.",
                "customer_update");
        }

        if (form.Text("client_reference_id") is { Length: > LongestReference })
            throw ApiErrorException.Invalid($"Invalid string: must be at most {LongestReference} characters", "client_reference_id");
        var customer = call.FindByParameter(state.Customers, "customer", "customer");
        var id = state.Ids.Next("cs_test");
        var session = state.CheckoutSessions.Add(new CheckoutSession
        {
            Id = id,
            Mode = mode,
            Created = state.Now,
            Url = $"{call.BaseUrl}/c/pay/{id}",
            SuccessUrl = RequireUrl(form, "success_url"),
            CancelUrl = form.Has("cancel_url") ? RequireUrl(form, "cancel_url") : null,
            CustomerId = customer?.Id,
            CustomerEmail = form.Text("customer_email") ?? customer?.Email,
            ClientReferenceId = form.Text("client_reference_id"),
            LineItems = mode == "setup" ? [] : CheckoutItems.Read(call, mode),
            SetupCurrency = form.Text("currency"),
            SetupIntentId = mode == "setup" ? Checkouts.BeginSetup(state, customer).Id : null,
            Reductions = CouponCalls.ReadReductions(call, customer?.Id),
            Metadata = form.Merge("metadata"),
            SubscriptionMetadata = form.Merge("subscription_data.metadata"),
            SubscriptionDescription = form.Text("subscription_data.description"),
            PaymentMetadata = form.Merge("payment_intent_data.metadata"),
            PaymentDescription = form.Text("payment_intent_data.description"),
            CreatesCustomer = form.Text("customer_creation") == "always",
            CardCollection = form.Text("payment_method_collection") ?? "always",
            TrialDays = Trials.ReadDays(form, "subscription_data.trial_period_days"),
            TrialEnd = form.Number("subscription_data.trial_end"),
            MissingPaymentMethod = form.Text("subscription_data.trial_settings.end_behavior.missing_payment_method") ?? "create_invoice",
            BillingMode = BillingModes.Of(form.Text("subscription_data.billing_mode.type"), call.Version),
            AllowPromotionCodes = form.Is("allow_promotion_codes"),
            HasAutomaticTax = form.Is("automatic_tax.enabled"),
            CollectsTaxIds = form.Is("tax_id_collection.enabled"),
            IsManaged = form.Has("managed_payments.enabled") ? form.Is("managed_payments.enabled") : null,
            Locale = form.Text("locale"),
            ExpiresAt = ReadExpiry(call),
        });
        return session.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.CheckoutSessions, Kind).Render();

    public static JsonObject GetSetupIntent(ApiCall call) => call.GetByPath(call.State.SetupIntents, "setupintent").Render();

    public static JsonObject List(ApiCall call)
    {
        var form = call.Form;
        return Lists.Page(call, "/v1/checkout/sessions", Kind, call.State.CheckoutSessions.NewestFirst.Where(session =>
            Lists.Matches(form, "customer", session.CustomerId)
            && Lists.Matches(form, "payment_intent", session.PaymentIntentId)
            && Lists.Matches(form, "status", session.Status)
            && Lists.Matches(form, "subscription", session.SubscriptionId)
            && Lists.MatchesRange(form, "created", session.Created)));
    }

    public static JsonObject ListLineItems(ApiCall call)
    {
        var session = call.GetByPath(call.State.CheckoutSessions, Kind);
        return Shapes.List($"/v1/checkout/sessions/{session.Id}/line_items", session.LineItems.Select(static item => item.Render()));
    }

    public static JsonObject Expire(ApiCall call)
    {
        var session = call.GetByPath(call.State.CheckoutSessions, Kind);
        if (session.Status != "open")
        {
            throw ApiErrorException.Invalid(
                "Only Checkout Sessions with a status in [\"open\"] can be expired. "
                + $"This Checkout Session has a status of {session.Status}.");
        }

        Checkouts.Expire(call.State, session);
        return session.Render();
    }

    private static long ReadExpiry(ApiCall call)
    {
        var now = call.State.Now;
        if (call.Form.Number("expires_at") is not { } at)
            return now + LongestLife;
        return at - now is >= ShortestLife and <= LongestLife
            ? at
            : throw ApiErrorException.Invalid(
                "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.",
                "expires_at");
    }

    private static string RequireUrl(Form form, string name)
    {
        var text = form.Text(name) ?? throw ApiErrorException.MissingParameter(name);
        var example = text.Replace("{CHECKOUT_SESSION_ID}", "id", StringComparison.Ordinal);
        return Uri.TryCreate(example, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? text
            : throw ApiErrorException.Invalid("Not a valid URL", name, "url_invalid");
    }
}

internal static class Quantities
{
    public const long Greatest = 999_999;

    public static long Read(Form item) => item.Number("quantity") switch
    {
        null => 1,
        { } quantity and >= 0 and <= Greatest => quantity,
        _ => throw ApiErrorException.Invalid($"Invalid integer: must be from 0 to {Greatest}", $"{item.Name}[quantity]"),
    };
}

internal static class Trials
{
    public const long LongestDays = 730;

    public static long? ReadDays(Form form, string path) => form.Number(path) is not { } days
        ? null
        : days is >= 1 and <= LongestDays
            ? days
            : throw ApiErrorException.Invalid($"Trials last from 1 to {LongestDays} days.", form.Find(path)!.Name);
}

internal static class BillingModes
{
    public static string Of(string? parsed, string version) =>
        parsed ?? (ApiVersions.IsBefore(version, ApiVersions.FlexibleByDefault) ? "classic" : "flexible");
}
