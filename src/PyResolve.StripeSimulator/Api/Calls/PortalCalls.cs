using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class PortalCalls
{
    private const string Kind = "billing_portal.configuration";

    public static JsonObject CreateSession(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var customer = call.FindByParameter(state.Customers, "customer", "customer")!;
        var configuration = call.FindByParameter(state.PortalConfigurations, "configuration", "configuration")
            ?? DefaultPortal.GetOrAdd(state);
        if (!configuration.IsActive)
            throw ApiErrorException.Invalid("This configuration is inactive.", "configuration");
        var returnUrl = form.Text("return_url") ?? configuration.DefaultReturnUrl;
        if (returnUrl is not null && !(Uri.TryCreate(returnUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            throw ApiErrorException.Invalid("Not a valid URL", "return_url", "url_invalid");
        var id = state.Ids.Next("bps");
        var session = state.PortalSessions.Add(new PortalSession
        {
            Id = id,
            Created = state.Now,
            Url = $"{call.BaseUrl}/p/session/{id}",
            CustomerId = customer.Id,
            ConfigurationId = configuration.Id,
            ReturnUrl = returnUrl,
            Locale = form.Text("locale"),
            Flow = form.Find("flow_data") is { } flow ? ReadFlow(call, flow, customer) : null,
        });
        state.Events.Emit(session, "created");
        return session.Render();
    }

    public static JsonObject CreateConfiguration(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var configuration = state.PortalConfigurations.Add(new PortalConfiguration
        {
            Id = state.Ids.Next("bpc"),
            Created = state.Now,
            Updated = state.Now,
            Features = ReadFeatures(call, new PortalFeatures()),
            Headline = form.Text("business_profile.headline"),
            PrivacyPolicyUrl = form.Text("business_profile.privacy_policy_url"),
            TermsOfServiceUrl = form.Text("business_profile.terms_of_service_url"),
            DefaultReturnUrl = form.Text("default_return_url"),
            HasLoginPage = form.Is("login_page.enabled"),
            Metadata = form.Merge("metadata"),
        });
        state.Events.Emit(configuration, "created");
        return configuration.Render();
    }

    public static JsonObject GetConfiguration(ApiCall call) => call.GetByPath(call.State.PortalConfigurations, Kind).Render();

    public static JsonObject UpdateConfiguration(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var configuration = call.GetByPath(state.PortalConfigurations, Kind);
        if (configuration.IsDefault && form.Text("active") == "false")
            throw ApiErrorException.Invalid("You cannot deactivate the default configuration.", "active");
        var features = ReadFeatures(call, configuration.Features);
        state.Events.Change(configuration, () =>
        {
            configuration.Features = features;
            configuration.IsActive = form.Text("active") is { } active ? active == "true" : configuration.IsActive;
            configuration.Headline = form.Text("business_profile.headline") ?? configuration.Headline;
            configuration.PrivacyPolicyUrl = form.Text("business_profile.privacy_policy_url") ?? configuration.PrivacyPolicyUrl;
            configuration.TermsOfServiceUrl = form.Text("business_profile.terms_of_service_url") ?? configuration.TermsOfServiceUrl;
            configuration.DefaultReturnUrl = form.Text("default_return_url") ?? configuration.DefaultReturnUrl;
            configuration.HasLoginPage = form.Has("login_page") ? form.Is("login_page.enabled") : configuration.HasLoginPage;
            configuration.Metadata = form.Merge("metadata", configuration.Metadata);
            configuration.Updated = state.Now;
        });
        return configuration.Render();
    }

    public static JsonObject ListConfigurations(ApiCall call)
    {
        // The default configuration is listed even if the portal was never opened.
        _ = DefaultPortal.GetOrAdd(call.State);
        var all = call.State.PortalConfigurations.NewestFirst;
        return Lists.Page(call, "/v1/billing_portal/configurations", Kind, all.Where(configuration =>
            Lists.Matches(call.Form, "active", configuration.IsActive ? "true" : "false")
            && Lists.Matches(call.Form, "is_default", configuration.IsDefault ? "true" : "false")));
    }

    private static PortalFlow ReadFlow(ApiCall call, Form flow, Customer customer)
    {
        var type = flow.Text("type")!;
        if (type == "payment_method_update")
            return new PortalFlow(type, null, null, null);
        var param = $"flow_data[{type}][subscription]";
        var id = flow.Text($"{type}.subscription") ?? throw ApiErrorException.MissingParameter(param);
        var subscription = ApiCall.GetByParameter(call.State.Subscriptions, "subscription", id, param);
        if (subscription.CustomerId != customer.Id)
            throw ApiErrorException.Invalid("The subscription does not belong to this customer.", param);
        var item = flow.Elements($"{type}.items").FirstOrDefault();
        if (item?.Text("id") is { } itemId && !subscription.Items.Exists(known => known.Id == itemId))
            throw ApiErrorException.Missing("subscription item", itemId, $"{item.Name}[id]");
        return new PortalFlow(type, id, item?.Text("price"), item?.Number("quantity"));
    }

    private static PortalFeatures ReadFeatures(ApiCall call, PortalFeatures before)
    {
        var form = call.Form;
        var features = before with
        {
            CanUpdatePaymentMethod = IsEnabled("payment_method_update", before.CanUpdatePaymentMethod),
            CanSeeInvoices = IsEnabled("invoice_history", before.CanSeeInvoices),
            CanUpdateCustomer = IsEnabled("customer_update", before.CanUpdateCustomer),
            AllowedCustomerUpdates = form.Has("features.customer_update.allowed_updates")
                ? form.Texts("features.customer_update.allowed_updates")
                : before.AllowedCustomerUpdates,
            CanCancel = IsEnabled("subscription_cancel", before.CanCancel),
            CancelMode = form.Text("features.subscription_cancel.mode") ?? before.CancelMode,
            CancelProration = form.Text("features.subscription_cancel.proration_behavior") ?? before.CancelProration,
            AsksCancelReason = IsEnabled("subscription_cancel.cancellation_reason", before.AsksCancelReason),
            CancelReasons = form.Has("features.subscription_cancel.cancellation_reason.options")
                ? form.Texts("features.subscription_cancel.cancellation_reason.options")
                : before.CancelReasons,
            CanUpdateSubscription = IsEnabled("subscription_update", before.CanUpdateSubscription),
            AllowedSubscriptionUpdates = form.Has("features.subscription_update.default_allowed_updates")
                ? form.Texts("features.subscription_update.default_allowed_updates")
                : before.AllowedSubscriptionUpdates,
            Products = form.Has("features.subscription_update.products") ? ReadProducts(call) : before.Products,
            ScheduledChanges = form.Has("features.subscription_update.schedule_at_period_end.conditions")
                ? [.. form.Elements("features.subscription_update.schedule_at_period_end.conditions")
                    .Select(static condition => condition.Text("type")!)]
                : before.ScheduledChanges,
            Proration = form.Text("features.subscription_update.proration_behavior") ?? before.Proration,
            TrialUpdate = form.Text("features.subscription_update.trial_update_behavior") ?? before.TrialUpdate,
        };
        if (features is { CancelMode: "at_period_end", CancelProration: not "none" })
            throw ApiErrorException.Invalid(
                "`create_prorations` is only compatible with the mode `immediately`.", "features[subscription_cancel][proration_behavior]");
        return !features.CanUpdateSubscription || (features.Products.Count > 0 && features.AllowedSubscriptionUpdates.Count > 0)
            ? features
            : throw ApiErrorException.Invalid(
                "subscription_update requires products and default_allowed_updates.",
                "features[subscription_update][products]");

        bool IsEnabled(string feature, bool current) =>
            form.Has($"features.{feature}.enabled") ? form.Is($"features.{feature}.enabled") : current;
    }

    private static List<PortalProduct> ReadProducts(ApiCall call)
    {
        const string Path = "features.subscription_update.products";
        var products = call.Form.Elements(Path).Select(element => ReadProduct(call, element)).ToList();
        return products.Count <= PortalFeatures.MostProducts
            ? products
            : throw ApiErrorException.Invalid(
                $"Array products exceeded maximum {PortalFeatures.MostProducts} allowed elements.", call.Form.Find(Path)!.Name);
    }

    private static PortalProduct ReadProduct(ApiCall call, Form element)
    {
        var product = ApiCall.GetByParameter(call.State.Products, "product", element.Text("product")!, $"{element.Name}[product]");
        var prices = element.Texts("prices");
        foreach (var id in prices)
        {
            if (ApiCall.GetByParameter(call.State.Prices, "price", id, $"{element.Name}[prices]").ProductId != product.Id)
                throw ApiErrorException.Invalid($"The price {id} is not one of the product {product.Id}.", $"{element.Name}[prices]");
        }

        return new PortalProduct(product.Id, prices, ReadSeats(element));
    }

    /// <summary>Where the product says nothing, any quantity may be chosen.</summary>
    private static SeatRange? ReadSeats(Form product) =>
        product.Has("adjustable_quantity") && !product.Is("adjustable_quantity.enabled")
            ? null
            : new SeatRange(
                product.Number("adjustable_quantity.minimum") ?? 1, product.Number("adjustable_quantity.maximum") ?? Quantities.Greatest);
}
