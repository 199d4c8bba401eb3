using System.Net.Http.Json;
using System.Text.Json;

namespace PyResolve.EndToEnd.Tests.Packages;

internal static class SignUp
{
    public const string Password = "correct horse battery";

    /// <summary>Creates an account over HTTP, as the guides do, and returns its first key.</summary>
    public static async Task<string> ApiKeyAsync(ServerProcess server, string email = "you@example.com")
    {
        using var answer = await server.Http.PostAsJsonAsync(
            new Uri("/auth/signup", UriKind.Relative),
            new { email, password = Password },
            TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return body.GetProperty("api_key").GetString()!;
    }
}
