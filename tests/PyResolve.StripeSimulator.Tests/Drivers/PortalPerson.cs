using System.Net;

namespace PyResolve.StripeSimulator.Tests.Drivers;

/// <summary>A customer in a portal that offers the two plans of the stage.</summary>
internal sealed class PortalPerson(Stage stage, string customer, params string[] settings) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false });

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async Task<string> ReadAsync(string action = "", string flow = "")
    {
        using var answer = await _http.GetAsync(await OpenAsync(action, flow), Cancellation);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }

    public async Task<HttpStatusCode> SendAsync(string action, params (string Name, string Value)[] fields)
    {
        using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
        using var answer = await _http.PostAsync(await OpenAsync(action, flow: ""), form, Cancellation);
        return answer.StatusCode;
    }

    public void Dispose() => _http.Dispose();

    private async Task<Uri> OpenAsync(string action, string flow)
    {
        var configuration = (await stage.Api.PostAsync("/v1/billing_portal/configurations", string.Join('&',
        [
            "features[subscription_cancel][enabled]=true",
            "features[subscription_update][enabled]=true",
            "features[subscription_update][default_allowed_updates][0]=price",
            "features[subscription_update][default_allowed_updates][1]=quantity",
            "features[subscription_update][proration_behavior]=always_invoice",
            .. await ProductAsync(0, stage.Pro),
            .. await ProductAsync(1, stage.Unlimited),
            .. settings,
        ]))).Ok();
        var session = (await stage.Api.PostAsync(
            "/v1/billing_portal/sessions", $"customer={customer}&configuration={configuration.Id}{flow}")).Ok();
        return new Uri($"{session["url"].GetString()}{(action.Length == 0 ? "" : $"/{action}")}");
    }

    private async Task<string[]> ProductAsync(int index, string price)
    {
        var product = (await stage.Api.GetAsync($"/v1/prices/{price}")).Ok()["product"].GetString();
        var prefix = $"features[subscription_update][products][{index}]";
        return [$"{prefix}[product]={product}", $"{prefix}[prices][0]={price}"];
    }
}
