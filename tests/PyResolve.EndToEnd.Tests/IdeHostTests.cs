using PyResolve.EndToEnd.Tests.Packages;

namespace PyResolve.EndToEnd.Tests;

/// <summary>The host of the sample extension, with the real server and a simulated Stripe.</summary>
public sealed class IdeHostTests : IAsyncLifetime
{
    private const string Email = "ada@example.com";

    private readonly string _home = Directory.CreateTempSubdirectory("pyresolve-ide-").FullName;
    private ServerProcess _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await ServerProcess.StartAsync(
        new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development" }, Cancellation);

    [Fact]
    public async Task A_login_is_approved_in_the_browser_and_shows_plan_and_quota()
    {
        await SignUp.ApiKeyAsync(_server, Email);
        using var host = new IdeHost(_server.Address, _home);
        (await host.AskAsync("initialize", "the tests")).GetProperty("result").GetProperty("protocol").GetInt32().ShouldBe(1);
        var before = (await host.AskAsync("getStatus")).GetProperty("result").GetProperty("account");

        await host.SendAsync("logIn");
        var prompt = (await host.ReadAsync()).GetProperty("params")[0];
        await ApproveAsync(prompt.GetProperty("code").GetString()!);
        var account = (await host.ReadAsync()).GetProperty("result").GetProperty("account");

        before.ValueKind.ShouldBe(System.Text.Json.JsonValueKind.Null);
        prompt.GetProperty("page").GetString().ShouldStartWith($"{_server.Address}device");
        account.GetProperty("email").GetString().ShouldBe(Email);
        account.GetProperty("plan").GetString().ShouldBe("free");
        account.GetProperty("quota").GetProperty("remaining").GetInt64().ShouldBe(5);
        account.GetRawText().ShouldNotContain("pyr_live_");
        (await host.EndAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task An_upgrade_has_a_page_and_a_bill_that_does_not_exist_has_a_reason()
    {
        using var host = new IdeHost(_server.Address, _home, await SignUp.ApiKeyAsync(_server, Email));

        var plans = (await host.AskAsync("getPlans")).GetProperty("result");
        var billing = (await host.AskAsync("openBilling")).GetProperty("error");
        var checkout = (await host.AskAsync("startCheckout", "pro")).GetProperty("result");

        plans.EnumerateArray().Select(plan => plan.GetProperty("name").GetString()).ShouldContain("pro");
        checkout.GetProperty("page").GetString().ShouldStartWith("http");
        billing.GetProperty("data").GetProperty("code").GetString().ShouldBe("no_billing_account");
        billing.GetProperty("message").GetString().ShouldStartWith("No billing account.");
    }

    [Fact]
    public async Task A_server_that_is_away_and_a_wrong_key_are_errors_with_a_code()
    {
        using var wrong = new IdeHost(_server.Address, _home, "pyr_live_" + new string('0', 48));
        using var away = new IdeHost(new Uri("http://127.0.0.1:9"), _home, "pyr_live_" + new string('0', 48));

        var refused = (await wrong.AskAsync("getStatus")).GetProperty("error").GetProperty("data");
        var unreachable = (await away.AskAsync("getStatus")).GetProperty("error").GetProperty("data");

        refused.GetProperty("code").GetString().ShouldBe("unauthenticated");
        unreachable.GetProperty("code").GetString().ShouldBe("unreachable");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_home, recursive: true);
    }

    /// <summary>As the page does, for somebody who signs in there.</summary>
    private async Task ApproveAsync(string code)
    {
        using var signedIn = await PostAsync(
            new() { ["action"] = "sign-in", ["email"] = Email, ["password"] = SignUp.Password, ["user_code"] = code }, cookie: null);
        using var approved = await PostAsync(
            new() { ["action"] = "approve", ["user_code"] = code }, signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        ((int)approved.StatusCode).ShouldBe(303);
    }

    private async Task<HttpResponseMessage> PostAsync(Dictionary<string, string> form, string? cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/device", UriKind.Relative))
        {
            Content = new FormUrlEncodedContent(form),
        };
        request.Headers.Add("Origin", _server.Address.GetLeftPart(UriPartial.Authority));
        request.Headers.Add("Sec-Fetch-Site", "same-origin");
        if (cookie is not null)
            request.Headers.Add("Cookie", cookie);
        return await _server.Http.SendAsync(request, Cancellation);
    }
}
