using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Client.Wire;

namespace PyResolve.Server.Tests.Http;

/// <summary>
/// Every route that the server has, also one that is added later, against every kind of credential. What a route requires follows from its
/// path here, independently of the server's own metadata; a route that fits no rule requires a session.
/// </summary>
public sealed class ScopeTableTests(SharedServers servers)
{
    private const string AnyKey = "any key";
    private const string Session = "a session";
    private const string Nothing = "nothing";

    private static readonly string[] Public =
    [
        "GET /", "GET /health", "GET /health/ready", "GET /plans", "GET /openapi/v1.json", "GET /.well-known/jwks.json",
        "POST /auth/signup", "POST /auth/login", "POST /auth/password/forgot", "POST /auth/password/reset", "POST /auth/email/verify",
        "POST /auth/device/code", "POST /auth/device/token", "POST /auth/api-keys/report-leak", "POST /webhooks/stripe",
        "GET /billing", "GET /billing/return", "GET /device", "POST /device", "GET /reset-password", "POST /reset-password",
        "GET /verify-email", "POST /verify-email", "GET /pricing", "GET /sign-in", "POST /sign-in", "GET /sign-up", "POST /sign-up",
        "GET /forgot", "POST /forgot", "POST /sign-out", "GET /settings",
        // They take the cookie of a page, and nothing else: SitePageTests.
        "GET /app", "GET /app/usage", "GET /app/usage/csv", "GET /app/usage/events", "GET /app/usage/events/{id:guid}", "GET /app/keys",
        "POST /app/keys", "GET /app/keys/{id:guid}", "POST /app/keys/{id:guid}/rotate",
        "POST /app/keys/{id:guid}/revoke", "GET /sign-in/code", "POST /sign-in/code", "GET /sign-in/with/{service}",
        "GET /sign-in/with/{service}/callback", "GET /sign-in/with/supabase",
        "POST /sign-in/with/supabase", "GET /change-email", "POST /change-email",
        "GET /app/settings", "POST /app/settings/name", "POST /app/settings/email", "POST /app/settings/password",
        "POST /app/settings/sessions/{id:guid}/end", "POST /app/settings/sessions/end-others", "GET /app/settings/delete",
        "POST /app/settings/delete", "GET /app/settings/second-factor", "POST /app/settings/second-factor",
        "POST /app/settings/second-factor/confirm", "POST /app/settings/second-factor/remove", "GET /app/audit", "GET /app/audit/export",
        "GET /app/plan", "POST /app/plan/checkout", "POST /app/plan/portal", "POST /app/plan/overage", "GET /app/invoices",
        "GET /app/alerts", "POST /app/alerts", "POST /app/alerts/remove",
    ];

    [Theory, OnBothEngines]
    public async Task No_route_lets_in_a_credential_that_its_scope_does_not_allow(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var keys = await KeysByScopeAsync(account);
        var unknown = await UnknownCallersAsync(own, account);

        var routes = Routes(own.Server).ToList();
        routes.Count.ShouldBeGreaterThan(40);
        foreach (var (method, path) in routes)
        {
            var required = RequirementOf(method, path);
            var name = $"{method} {path} ({required})";
            if (required is Nothing)
            {
                (await SendAsync(own.Server.Anonymous, method, path)).Status.ShouldNotBe(401, name);
                continue;
            }

            foreach (var caller in unknown)
                (await SendAsync(caller, method, path)).ShouldBeProblem(401, "unauthenticated", name);
            var both = await account.Key.SendAsync(
                method, Address(path), body: null, [("Authorization", $"Bearer {account.SessionToken}")]);
            both.ShouldBeProblem(400, "malformed", name);

            foreach (var (scopes, key) in keys)
            {
                var answer = await SendAsync(key, method, path);
                if (IsAllowed(scopes, required))
                    answer.Status.ShouldNotBeOneOf([401, 403], $"{name} with {scopes}: {answer.Text}");
                else
                    answer.ShouldBeProblem(403, "scope_missing", $"{name} with {scopes}");
            }

            // An account of its own: some of these routes end the session.
            var owner = await own.SignUpAsync();
            (await SendAsync(owner.Session, method, path)).Status.ShouldNotBeOneOf([401, 403], name);
        }

        (await account.Session.GetAsync("/me")).Status.ShouldBe(200);
    }

    /// <summary>For each scope, a key with it alone, and one with all the others.</summary>
    private static async Task<Dictionary<string, Caller>> KeysByScopeAsync(TestAccount account)
    {
        var keys = new Dictionary<string, Caller>();
        foreach (var scope in Scopes.All)
        {
            keys[scope] = await KeyAsync(account, [scope]);
            keys[$"not {scope}"] = await KeyAsync(account, [.. Scopes.All.Where(other => other != scope)]);
        }

        return keys;
    }

    private static bool IsAllowed(string scopes, string required) => required switch
    {
        AnyKey => true,
        Session => false,
        _ => scopes == required || (scopes.StartsWith("not ", StringComparison.Ordinal) && scopes != $"not {required}"),
    };

    /// <summary>Without a credential, or with one that is not valid, or not any more.</summary>
    private static async Task<Caller[]> UnknownCallersAsync(OwnServer own, TestAccount account)
    {
        var revoked = await account.Session.PostAsync("/auth/api-keys");
        await account.Session.DeleteAsync($"/auth/api-keys/{revoked.Id()}");
        var expired = await account.Session.PostAsync("/auth/api-keys", new { expires_at = own.Clock.GetUtcNow().AddSeconds(1) });
        own.Clock.Advance(TimeSpan.FromSeconds(1));
        return
        [
            own.Server.Anonymous,
            own.Server.WithKey(revoked["api_key"].GetString()!),
            own.Server.WithKey(expired["api_key"].GetString()!),
            own.Server.WithKey($"pyr_live_{new string('0', 48)}"),
            own.Server.WithKey("pyr_live_short"),
            own.Server.WithKey(account.SessionToken),
            new(own.Server.Http, "Authorization", $"Bearer pyr_sess_{new string('0', 48)}"),
            new(own.Server.Http, "Authorization", "Bearer e30.e30.e30"),
        ];
    }

    private static IEnumerable<(HttpMethod Method, string Path)> Routes(TestServer server) =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let path = endpoint.RoutePattern.RawText!.TrimEnd('/')
        where !path.StartsWith("/assets/", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        where method != "HEAD"
        select (new HttpMethod(method), path.Length == 0 ? "/" : path);

    private static string RequirementOf(HttpMethod method, string path)
    {
        // The operator's pages are as unknown paths to all of these: OperatorAccessTests.
        if (Public.Contains($"{method} {path}") || path.StartsWith("/openapi/", StringComparison.Ordinal)
            || path.StartsWith("/operator", StringComparison.Ordinal))
            return Nothing;
        if (method == HttpMethod.Get && path is ("/me" or "/quota"))
            return AnyKey;
        (string Prefix, string Scope)[] rules =
        [
            ("/quota/reservations", Scopes.Quota),
            ("/usage", method == HttpMethod.Post ? Scopes.UsageWrite : Scopes.UsageRead),
            ("/billing/", Scopes.Billing),
            ("/migrate", Scopes.Migrate),
            ("/auth/api-keys", Scopes.Keys),
        ];
        return rules.FirstOrDefault(rule => path.StartsWith(rule.Prefix, StringComparison.Ordinal)).Scope ?? Session;
    }

    private static Task<Answer> SendAsync(Caller caller, HttpMethod method, string path) => caller.SendAsync(method, Address(path));

    private static string Address(string path) =>
        path.Replace("{id:guid}", "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90", StringComparison.Ordinal);

    private static async Task<Caller> KeyAsync(TestAccount account, string[] scopes)
    {
        var made = await account.Session.PostAsync("/auth/api-keys", new { scopes });
        made.Status.ShouldBe(201, made.Text);
        return account.Key.With(made["api_key"].GetString()!);
    }
}
