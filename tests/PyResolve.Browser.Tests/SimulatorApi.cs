using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using PyResolve.StripeSimulator;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.Browser.Tests;

/// <summary>Creates two plans and a customer in the simulator, and opens its pages.</summary>
internal sealed class SimulatorApi : IDisposable
{
    private readonly HttpClient _http;
    private readonly Uri _address;

    private SimulatorApi(StripeSimulatorHost host)
    {
        _address = host.Address;
        _http = new HttpClient { BaseAddress = host.Address };
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", host.SecretKey);
        Pro = host.Simulation.AddPrice("PyResolve Pro", 1900);
        Unlimited = host.Simulation.AddPrice("PyResolve Unlimited", 9900);
        Customer = host.Simulation.AddCustomer("ada@example.com");
    }

    public string Pro { get; }

    public string Unlimited { get; }

    public string Customer { get; }

    public string Configuration { get; private set; } = "";

    public static async Task<SimulatorApi> SetUpAsync(StripeSimulatorHost host)
    {
        var api = new SimulatorApi(host);
        api.Configuration = (await api.PostAsync("/v1/billing_portal/configurations", [
            ("features[payment_method_update][enabled]", "true"),
            ("features[invoice_history][enabled]", "true"),
            ("features[subscription_cancel][enabled]", "true"),
            ("features[subscription_update][enabled]", "true"),
            ("features[subscription_update][default_allowed_updates][0]", "price"),
            ("features[subscription_update][default_allowed_updates][1]", "quantity"),
            ("features[subscription_update][schedule_at_period_end][conditions][0][type]", "decreasing_item_amount"),
            ("features[subscription_update][proration_behavior]", "always_invoice"),
            .. await api.ProductAsync(0, api.Pro),
            .. await api.ProductAsync(1, api.Unlimited),
        ])).GetProperty("id").GetString()!;
        return api;
    }

    public async Task<string> CheckoutAsync() => (await PostAsync("/v1/checkout/sessions", [
        ("mode", "subscription"),
        ("customer", Customer),
        ("line_items[0][price]", Pro),
        ("line_items[0][quantity]", "1"),
        ("success_url", $"{_address}?paid={{CHECKOUT_SESSION_ID}}"),
        ("cancel_url", $"{_address}?back"),
    ])).GetProperty("url").GetString()!;

    public async Task<string> PortalAsync() => (await PostAsync("/v1/billing_portal/sessions", [
        ("customer", Customer),
        ("configuration", Configuration),
        ("return_url", $"{_address}?returned"),
    ])).GetProperty("url").GetString()!;

    /// <summary>A checkout that asks for a way to pay, and sells nothing.</summary>
    public async Task<string> SetupAsync() => (await PostAsync("/v1/checkout/sessions", [
        ("mode", "setup"),
        ("currency", "usd"),
        ("customer", Customer),
        ("success_url", $"{_address}?saved"),
        ("cancel_url", $"{_address}?back"),
    ])).GetProperty("url").GetString()!;

    /// <summary>The page of the latest invoice.</summary>
    public async Task<string> InvoiceAsync() => (await _http.GetFromJsonAsync<JsonElement>(
        $"/v1/invoices?customer={Customer}", TestContext.Current.CancellationToken))
        .GetProperty("data")[0].GetProperty("hosted_invoice_url").GetString()!;

    public void Dispose() => _http.Dispose();

    private async Task<(string, string)[]> ProductAsync(int index, string price)
    {
        var found = await _http.GetFromJsonAsync<JsonElement>($"/v1/prices/{price}", TestContext.Current.CancellationToken);
        var prefix = $"features[subscription_update][products][{index}]";
        return [($"{prefix}[product]", found.GetProperty("product").GetString()!), ($"{prefix}[prices][0]", price)];
    }

    private async Task<JsonElement> PostAsync(string path, (string Name, string Value)[] form)
    {
        using var content = new FormUrlEncodedContent(form.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await _http.PostAsync(path, content, TestContext.Current.CancellationToken);
        var json = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        answer.IsSuccessStatusCode.ShouldBeTrue(json.ToString());
        return json;
    }
}
