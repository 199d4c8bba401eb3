using System.Text;
using System.Text.Json;

namespace PyResolve.TestKit;

/// <summary>Sends requests with one credential, or none, and reads the answers. Thread-safe.</summary>
public sealed class Caller(HttpClient http, string? headerName = null, string? headerValue = null)
{
    /// <summary>Calls the same server with another API key.</summary>
    public Caller With(string apiKey) => new(http, "X-API-Key", apiKey);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path);

    /// <param name="path">The route.</param>
    /// <param name="body">An object to be written as JSON; a string is sent as it is; null: no body.</param>
    /// <param name="idempotencyKey">The header <c>Idempotency-Key</c>.</param>
    public Task<Answer> PostAsync(string path, object? body = null, string? idempotencyKey = null) =>
        SendAsync(HttpMethod.Post, path, body, idempotencyKey);

    /// <inheritdoc cref="PostAsync"/>
    public Task<Answer> SendAsync(HttpMethod method, string path, object? body = null, string? idempotencyKey = null) =>
        SendAsync(method, path, body, idempotencyKey is null ? [] : [("Idempotency-Key", idempotencyKey)]);

    /// <param name="method">GET, POST, …</param>
    /// <param name="path">The route.</param>
    /// <param name="body">As for <see cref="PostAsync"/>.</param>
    /// <param name="headers">Sent beside the credential, as they are; a name may come twice.</param>
    public async Task<Answer> SendAsync(HttpMethod method, string path, object? body, IEnumerable<(string Name, string Value)> headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (headerName is not null)
            request.Headers.TryAddWithoutValidation(headerName, headerValue);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        request.Content = body switch
        {
            null => null,
            HttpContent content => content,
            string text => new StringContent(text, Encoding.UTF8, "application/json"),
            _ => new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json"),
        };
        return await Answer.ReadAsync(await http.SendAsync(request));
    }
}
