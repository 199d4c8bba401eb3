using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Operators;

namespace PyResolve.Server.Tests.Site;

/// <summary>
/// A compressed answer with a secret beside a text of somebody else tells the secret by its length. Nothing that the server sends is
/// compressed, whatever a client takes, and what has a secret in it is stored nowhere.
/// </summary>
public sealed partial class SecretPageTests(SharedServers servers)
{
    private const string Encodings = "gzip, deflate, br, zstd, *";

    [Theory, OnBothEngines]
    public async Task No_route_answers_compressed(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Server.AddOperatorAsync(account, OperatorRole.Admin);
        var person = await Person.SignedInAsync(own.Server, account);
        var routes = own.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(static endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? [], (endpoint, method) =>
                (Method: method, Path: Parameter().Replace(endpoint.RoutePattern.RawText!, "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90")))
            // What ends the session comes last.
            .OrderBy(static route => route.Method != "GET")
            .ToList();

        foreach (var (method, path) in routes)
        {
            var fromPage = await SendAsync(own, new(method), path, person.Cookie!, apiKey: null);
            var fromProgram = await SendAsync(own, new(method), path, cookie: null, account.ApiKey);

            fromPage.Content.Headers.ContentEncoding.ShouldBeEmpty($"{method} {path}");
            fromProgram.Content.Headers.ContentEncoding.ShouldBeEmpty($"{method} {path}");
        }

        routes.Count.ShouldBeGreaterThan(100);
    }

    [Theory, OnBothEngines]
    public async Task What_has_a_secret_in_it_is_neither_compressed_nor_stored(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        var key = $"/app/keys/{(await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid()}";
        const string Factor = "/app/settings/second-factor";

        await ShowsAsync("/app/keys", ApiKey(), ("once", $"{Guid.CreateVersion7()}"));
        await ShowsAsync($"{key}/rotate", ApiKey(), ("grace", "0"));
        await ShowsAsync("/sign-up", ApiKey(), ("email", "grace@example.com"), ("password", TestAccount.Password));
        var secret = await ShowsAsync(Factor, TotpSecret(), ("password", TestAccount.Password));
        var app = new Authenticator(secret, own.Clock);
        await ShowsAsync($"{Factor}/confirm", TotpSecret(), ("code", app.WrongCode()));
        await ShowsAsync($"{Factor}/confirm", RecoveryCode(), ("code", app.Code()));

        async Task<string> ShowsAsync(string path, Regex secretOf, params (string Name, string Value)[] fields)
        {
            using var form = new FormUrlEncodedContent(fields.Select(static field => KeyValuePair.Create(field.Name, field.Value)));
            var answer = await SendAsync(own, HttpMethod.Post, path, person.Cookie!, apiKey: null, form);
            var found = secretOf.Match(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            found.Success.ShouldBeTrue(path);
            answer.Content.Headers.ContentEncoding.ShouldBeEmpty(path);
            answer.Headers.CacheControl!.NoStore.ShouldBeTrue(path);
            return found.Value;
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(
        OwnServer own, HttpMethod method, string path, string? cookie, string? apiKey, HttpContent? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative)) { Content = body };
        request.Headers.TryAddWithoutValidation("Accept-Encoding", Encodings);
        request.Headers.TryAddWithoutValidation("Accept", "text/html, application/json;q=0.9");
        request.Headers.TryAddWithoutValidation("Sec-Fetch-Site", "same-origin");
        request.Headers.TryAddWithoutValidation("Origin", own.Server.Address.GetLeftPart(UriPartial.Authority));
        if (cookie is not null)
            request.Headers.TryAddWithoutValidation("Cookie", cookie);
        if (apiKey is not null)
            request.Headers.TryAddWithoutValidation("X-API-Key", apiKey);
        return await own.Server.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    [GeneratedRegex("[{][^}]+[}]", RegexOptions.None, 1000)]
    private static partial Regex Parameter();

    [GeneratedRegex("pyr_live_[0-9a-f]{48}", RegexOptions.None, 1000)]
    private static partial Regex ApiKey();

    [GeneratedRegex("(?<=data-copy=\"the secret\">)[A-Z2-7]{32}", RegexOptions.None, 1000)]
    private static partial Regex TotpSecret();

    [GeneratedRegex("\\b([a-z2-9]{4}-){3}[a-z2-9]{4}\\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RecoveryCode();
}
