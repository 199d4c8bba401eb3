using System.Net.Http.Headers;
using System.Text.Json;

namespace PyResolve.StripeSimulator.Tests.Drivers;

/// <param name="Status">The HTTP status.</param>
/// <param name="Json">The body.</param>
/// <param name="Headers">The answer's.</param>
internal sealed record StripeAnswer(int Status, JsonElement Json, HttpResponseHeaders Headers)
{
    public JsonElement this[string name] => Json.GetProperty(name);

    public string Id => this["id"].GetString()!;

    public IReadOnlyList<JsonElement> Data => [.. this["data"].EnumerateArray()];

    public string? ErrorType => this["error"].GetProperty("type").GetString();

    public string? ErrorCode => this["error"].TryGetProperty("code", out var code) ? code.GetString() : null;

    public string? ErrorParam => this["error"].TryGetProperty("param", out var param) ? param.GetString() : null;

    public string? Header(string name) => Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;

    /// <summary>A member by its path, with dots.</summary>
    public JsonElement At(string path) => path.Split('.').Aggregate(
        Json, static (at, segment) => int.TryParse(segment, out var index) ? at[index] : at.GetProperty(segment));

    public StripeAnswer Ok()
    {
        Status.ShouldBe(200, Json.ToString());
        return this;
    }
}

/// <summary>Sends requests to the API without a library.</summary>
internal sealed class StripeCaller(Uri address, string? key = StripeSimulatorOptions.DefaultSecretKey, string? version = null) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = address };

    public Task<StripeAnswer> GetAsync(string path) => SendAsync(HttpMethod.Get, path, "");

    public Task<StripeAnswer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, "");

    public Task<StripeAnswer> PostAsync(string path, string form = "", string? idempotencyKey = null) =>
        SendAsync(HttpMethod.Post, path, form, idempotencyKey);

    public async Task<StripeAnswer> SendAsync(HttpMethod method, string path, string form, string? idempotencyKey = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (version is not null)
            request.Headers.Add("Stripe-Version", version);
        if (idempotencyKey is not null)
            request.Headers.Add("Idempotency-Key", idempotencyKey);
        if (method == HttpMethod.Post)
            request.Content = new StringContent(form, new MediaTypeHeaderValue("application/x-www-form-urlencoded", "utf-8"));
        using var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var json = JsonDocument.Parse(body);
        return new StripeAnswer((int)answer.StatusCode, json.RootElement.Clone(), answer.Headers);
    }

    public void Dispose() => _http.Dispose();
}
