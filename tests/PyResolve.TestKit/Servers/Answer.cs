using System.Net.Http.Headers;
using System.Text.Json;

namespace PyResolve.TestKit;

/// <summary>A complete answer of a server.</summary>
public sealed record Answer(int Status, HttpResponseHeaders Headers, string? ContentType, string Text)
{
    /// <summary>The body as JSON.</summary>
    public JsonElement Body => JsonDocument.Parse(Text).RootElement;

    /// <summary>The code of a problem.</summary>
    public string? Code => Body.GetProperty("code").GetString();

    /// <summary>The text of a problem for people.</summary>
    public string? Detail => Body.GetProperty("detail").GetString();

    public JsonElement this[string member] => Body.GetProperty(member);

    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        using (response)
            return new Answer(
                (int)response.StatusCode,
                response.Headers,
                response.Content.Headers.ContentType?.MediaType,
                await response.Content.ReadAsStringAsync());
    }
}
