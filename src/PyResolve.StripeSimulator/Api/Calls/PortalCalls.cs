using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class PortalCalls
{
    private const string Kind = "billing_portal.configuration";

    public static JsonObject CreateSession(ApiCall call)
    {
        var (world, form) = (call.World, call.Form);
        var customer = call.Named(world.Customers, "customer", "customer")!;
        var configuration = call.Named(world.PortalConfigurations, "configuration", "configuration") ?? Portals.Default(world);
        if (!configuration.IsActive)
            throw StripeException.Invalid("This configuration is inactive.", "configuration");
        var returnUrl = form.Text("return_url") ?? configuration.DefaultReturnUrl;
        if (returnUrl is not null && !(Uri.TryCreate(returnUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"))
            throw StripeException.Invalid("Not a valid URL", "return_url", "url_invalid");
        var id = world.Ids.Next("bps");
        var session = world.PortalSessions.Add(new PortalSession
        {
            Id = id,
            Created = world.Now,
            Url = $"{call.BaseUrl}/p/session/{id}",
            CustomerId = customer.Id,
            ConfigurationId = configuration.Id,
            ReturnUrl = returnUrl,
            Locale = form.Text("locale"),
            Flow = form.Find("flow_data") is { } flow ? ReadFlow(call, flow, customer) : null,
        });
        world.Events.Emit(session, "created");
        return session.Render();
    }

    public static JsonObject CreateConfiguration(ApiCall call)
    {
        var (world, form) = (call.World, call.Form);
        var configuration = world.PortalConfigurations.Add(new PortalConfiguration
        {
            Id = world.Ids.Next("bpc"),
            Created = world.Now,
            Updated = world.Now,
            Features = ReadFeatures(call, new PortalFeatures()),
            Headline = form.Text("business_profile.headline"),
            PrivacyPolicyUrl = form.Text("business_profile.privacy_policy_url"),
            TermsOfServiceUrl = form.Text("business_profile.terms_of_service_url"),
            DefaultReturnUrl = form.Text("default_return_url"),
            HasLoginPage = form.Is("login_page.enabled"),
            Metadata = form.Merge("metadata"),
        });
        world.Events.Emit(configuration, "created");
        return configuration.Render();
    }

    public static JsonObject GetConfiguration(ApiCall call) => call.InPath(call.World.PortalConfigurations, Kind).Render();

    public static JsonObject UpdateConfiguration(ApiCall call)
    {
        var (world, form) = (call.World, call.Form);
        var configuration = call.InPath(world.PortalConfigurations, Kind);
        if (configuration.IsDefault && form.Text("active") == "false")
            throw StripeException.Invalid("You cannot deactivate the default configuration.", "active");
        var features = ReadFeatures(call, configuration.Features);
        world.Events.Change(configuration, () =>
        {
            configuration.Features = features;
            configuration.IsActive = form.Text("active") is { } active ? active == "true" : configuration.IsActive;
            configuration.Headline = form.Text("business_profile.headline") ?? configuration.Headline;
            configuration.PrivacyPolicyUrl = form.Text("business_profile.privacy_policy_url") ?? configuration.PrivacyPolicyUrl;
            configuration.TermsOfServiceUrl = form.Text("business_profile.terms_of_service_url") ?? configuration.TermsOfServiceUrl;
            configuration.DefaultReturnUrl = form.Text("default_return_url") ?? configuration.DefaultReturnUrl;
            configuration.HasLoginPage = form.Has("login_page") ? form.Is("login_page.enabled") : configuration.HasLoginPage;
            configuration.Metadata = form.Merge("metadata", configuration.Metadata);
            configuration.Updated = world.Now;
        });
        return configuration.Render();
    }

    public static JsonObject ListConfigurations(ApiCall call)
    {
        // It is there whether or not anybody has opened the portal yet.
        _ = Portals.Default(call.World);
        return Lists.Page(call, "/v1/billing_portal/configurations", Kind, call.World.PortalConfigurations.NewestFirst.Where(configuration =>
            Lists.IsAsked(call.Form, "active", configuration.IsActive ? "true" : "false")
            && Lists.IsAsked(call.Form, "is_default", configuration.IsDefault ? "true" : "false")));
    }

    private static PortalFlow ReadFlow(ApiCall call, Form flow, Customer customer)
    {
        var type = flow.Text("type")!;
        if (type == "payment_method_update")
            return new PortalFlow(type, null, null);
        var param = $"flow_data[{type}][subscription]";
        var id = flow.Text($"{type}.subscription") ?? throw StripeException.MissingParameter(param);
        var subscription = ApiCall.Known(call.World.Subscriptions, "subscription", id, param);
        if (subscription.CustomerId != customer.Id)
            throw StripeException.Invalid("The subscription does not belong to this customer.", param);
        return new PortalFlow(type, id, flow.Elements($"{type}.items").FirstOrDefault()?.Text("price"));
    }

    private static PortalFeatures ReadFeatures(ApiCall call, PortalFeatures before)
    {
        var form = call.Form;
        var features = before with
        {
            CanUpdatePaymentMethod = Enabled("payment_method_update", before.CanUpdatePaymentMethod),
            CanSeeInvoices = Enabled("invoice_history", before.CanSeeInvoices),
            CanUpdateCustomer = Enabled("customer_update", before.CanUpdateCustomer),
            CustomerFields = form.Has("features.customer_update.allowed_updates") ? form.Texts("features.customer_update.allowed_updates") : before.CustomerFields,
            CanCancel = Enabled("subscription_cancel", before.CanCancel),
            CancelMode = form.Text("features.subscription_cancel.mode") ?? before.CancelMode,
            CanSwitch = Enabled("subscription_update", before.CanSwitch),
            AllowedUpdates = form.Has("features.subscription_update.default_allowed_updates")
                ? form.Texts("features.subscription_update.default_allowed_updates")
                : before.AllowedUpdates,
            Products = form.Has("features.subscription_update.products") ? ReadProducts(call) : before.Products,
            Proration = form.Text("features.subscription_update.proration_behavior") ?? before.Proration,
        };
        return !features.CanSwitch || (features.Products.Count > 0 && features.AllowedUpdates.Count > 0)
            ? features
            : throw StripeException.Invalid(
                "To let customers switch, pass the products and prices, and what may be updated.", "features[subscription_update][products]");

        bool Enabled(string feature, bool was) => form.Has($"features.{feature}.enabled") ? form.Is($"features.{feature}.enabled") : was;
    }

    private static List<PortalProduct> ReadProducts(ApiCall call) =>
    [
        .. call.Form.Elements("features.subscription_update.products").Select(element =>
        {
            var product = ApiCall.Known(call.World.Products, "product", element.Text("product")!, $"{element.Name}[product]");
            var prices = element.Texts("prices");
            foreach (var id in prices)
            {
                if (ApiCall.Known(call.World.Prices, "price", id, $"{element.Name}[prices]").ProductId != product.Id)
                    throw StripeException.Invalid($"The price {id} is not one of the product {product.Id}.", $"{element.Name}[prices]");
            }

            return new PortalProduct(product.Id, prices);
        }),
    ];
}
