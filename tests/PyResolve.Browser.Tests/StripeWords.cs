using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace PyResolve.Browser.Tests;

/// <summary>
/// A server whose Stripe puts the texts of a test into every word of an invoice, and addresses that no browser may open into its links; and
/// the same texts in what the server keeps of Stripe: events, customers, subscriptions.
/// </summary>
internal sealed class StripeWords : IAsyncDisposable
{
    private readonly WebApplication _stripe;
    private readonly TestStore _store;
    private readonly ServerProcess _server;
    private readonly TestAccount _account;
    private string _cookie = "";
    private IReadOnlyList<string> _texts = [];

    private StripeWords(WebApplication stripe, TestStore store, ServerProcess server, TestAccount account) =>
        (_stripe, _store, _server, _account) = (stripe, store, server, account);

    public string Address => _server.Address.ToString();

    public static async Task<StripeWords> StartAsync(StorageEngine engine, PostgresFixture postgres)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = ["--urls=http://127.0.0.1:0"] });
        builder.Logging.ClearProviders();
        var stripe = builder.Build();
        StripeWords? words = null;
        stripe.MapGet("/v1/invoices", (RequestDelegate)(http => http.Response.WriteAsync(words!.Invoices().ToJsonString())));
        // A job that asks for more learns nothing, and changes nothing.
        stripe.MapFallback((RequestDelegate)(http =>
        {
            http.Response.StatusCode = 503;
            return Task.CompletedTask;
        }));
        await stripe.StartAsync();
        var store = await TestStore.CreateAsync(engine, postgres);
        var settings = new Dictionary<string, string?>(store.Settings)
        {
            ["PyResolve__PasswordIterations"] = "1000", ["STRIPE_SECRET_KEY"] = "sk_test_words", ["STRIPE_API_BASE"] = stripe.Urls.Single(),
        };
        var server = await ServerProcess.StartAsync(settings, TestContext.Current.CancellationToken);
        words = new StripeWords(stripe, store, server, await TestAccount.SignUpAsync(server.Http, "ada@example.com"));
        await store.ExecuteSqlAsync("insert into operators (user_id, role, added_at) select id, 'admin', created_at from profiles");
        words._cookie = await words.SignInAsync();
        return words;
    }

    /// <param name="texts">At most as many as a page has rows.</param>
    public async Task SayAsync(IReadOnlyList<string> texts)
    {
        _texts = texts;
        await _store.ExecuteSqlAsync("delete from stripe_events; delete from billing_customers");
        for (var row = 0; row < texts.Count; row++)
        {
            var text = $"'{texts[row].Replace("'", "''", StringComparison.Ordinal)}'";
            await _store.ExecuteSqlAsync(
                $"""
                insert into stripe_events
                    (origin, event_id, type, customer_id, payload, state, note, received_at, next_attempt_at)
                select 'local', {text}, {text}, {text}, '', 'dead', {text}, created_at, created_at from profiles;
                insert into billing_customers
                    (origin, customer_id, user_id, return_token, created_at, unlinked_at, subscription_id, status, flags)
                select 'local', {text}, id, 'token-{row}', created_at, {(row == 0 ? "null" : "created_at")}, {text}, {text}, {text}
                from profiles
                """);
        }
    }

    public async Task<IReadOnlyList<(string Path, Answer Answer)>> GetPagesAsync()
    {
        var answers = new List<(string Path, Answer Answer)>();
        foreach (var path in (string[])["/app/invoices", "/operator/events", $"/operator/accounts/{_account.UserId}"])
            answers.Add((path, await GetAsync(path)));
        return answers;
    }

    /// <summary>It shows one customer alone, and no word of it.</summary>
    public Task<Answer> GetPlanAsync() => GetAsync("/app/plan");

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _store.DisposeAsync();
        await _stripe.DisposeAsync();
    }

    private Task<Answer> GetAsync(string path) =>
        new Caller(_server.Http).SendAsync(HttpMethod.Get, path, body: null, [("Cookie", _cookie)]);

    private async Task<string> SignInAsync()
    {
        var form = new FormUrlEncodedContent([new("email", _account.Email), new("password", TestAccount.Password)]);
        var answer = await new Caller(_server.Http).SendAsync(
            HttpMethod.Post, "/sign-in", form, [("Origin", _server.Address.GetLeftPart(UriPartial.Authority))]);
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private JsonObject Invoices() => new()
    {
        ["object"] = "list",
        ["url"] = "/v1/invoices",
        ["has_more"] = false,
        ["data"] = new JsonArray(
        [
            .. _texts.Select((text, row) => new JsonObject
            {
                ["id"] = $"in_{row}",
                ["object"] = "invoice",
                ["created"] = 1_794_744_000,
                ["number"] = text,
                ["description"] = text,
                ["customer_name"] = text,
                ["status"] = text,
                ["currency"] = "usd",
                ["amount_due"] = 1900,
                ["amount_paid"] = 0,
                ["hosted_invoice_url"] = row % 2 == 0 ? $"javascript:alert(1)//{text}" : text,
                ["invoice_pdf"] = $"data:text/html,{text}",
            }),
        ]),
    };
}
