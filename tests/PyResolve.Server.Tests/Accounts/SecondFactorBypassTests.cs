using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Accounts;

/// <summary>Somebody who knows the password, and has not the telephone.</summary>
public sealed partial class SecondFactorBypassTests(SharedServers servers)
{
    private const string NewPassword = "a much better password";

    [Theory, OnBothEngines]
    public async Task No_route_that_the_server_has_opens_a_session_without_the_code(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var fields = new Dictionary<string, string>
        {
            ["email"] = secured.Account.Email,
            ["password"] = TestAccount.Password,
            ["current_password"] = TestAccount.Password,
            ["new_password"] = NewPassword,
            ["action"] = "sign-in",
            ["pending"] = new string('0', 64),
            ["code"] = secured.App.WrongCode(),
            ["name"] = "Ada",
        };
        var person = new Person(own.Server);
        var routes = Routes(own.Server).ToList();

        routes.Count.ShouldBeGreaterThan(40);
        foreach (var (method, path) in routes)
        {
            var json = await own.Server.Anonymous.SendAsync(method, path, method == HttpMethod.Get ? null : fields);
            json.Text.ShouldNotContain("pyr_sess_", Case.Sensitive, $"{method} {path}");
            if (method == HttpMethod.Post)
                (await person.SendFormAsync(path, fields)).Text.ShouldNotContain("pyr_sess_", Case.Sensitive, path);
        }

        (await own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(1);
        (await person.GetAsync("/app")).Status.ShouldBe(303);
        (await secured.LogInAsync(own.Server, secured.App.Code())).Status.ShouldBeOneOf(200, 429);
    }

    [Theory, OnBothEngines]
    public async Task The_pages_ask_for_the_code_and_then_lead_to_the_page_that_was_asked_for(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var person = new Person(own.Server);

        var asked = await SignInAsync(person, secured);
        var wrong = await SendCodeAsync(person, asked, secured.App.WrongCode());
        var cookie = person.SetCookie;
        var right = await SendCodeAsync(person, wrong, secured.App.Code());
        var again = await SendCodeAsync(new Person(own.Server), wrong, secured.RecoveryCodes[0]);

        (asked.Status, wrong.Status, right.Status, again.Status).ShouldBe((200, 401, 303, 401));
        wrong.Text.ShouldContain("role=\"alert\"");
        cookie.ShouldBeNull();
        new Uri(new Uri(own.Server.Address, "/sign-in/code"), right.Headers.Location!).AbsolutePath.ShouldBe("/app/keys");
        (await person.GetAsync("/app/keys")).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from recovery_codes where used_at is not null")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task A_device_is_approved_only_after_the_code(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var device = await Device.BeginAsync(own.Server.Http);
        var person = new Person(own.Server);

        var asked = await person.SignInAsync(secured.Account.Email, userCode: device.UserCode);
        await person.ApproveAsync(device.UserCode);
        var before = await device.PollForErrorAsync();
        var passed = await SendCodeAsync(person, asked, secured.App.Code());
        await person.ApproveAsync(device.UserCode);

        before.ShouldBe("authorization_pending");
        new Uri(new Uri(own.Server.Address, "/sign-in/code"), passed.Headers.Location!).PathAndQuery.ShouldBe(
            $"/device?user_code={device.UserCode}");
        own.Clock.Advance(TimeSpan.FromSeconds(30));
        (await device.PollAsync()).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Codes_on_the_page_and_in_the_API_count_together(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var person = new Person(own.Server);
        var asked = await SignInAsync(person, secured);

        for (var i = 0; i < 10; i++)
        {
            (await SendCodeAsync(person, asked, secured.App.WrongCode())).Status.ShouldBe(401);
            (await secured.LogInAsync(own.Server, secured.App.WrongCode())).Status.ShouldBe(401);
        }

        (await SendCodeAsync(person, asked, secured.App.Code())).Status.ShouldBe(429);
        (await secured.LogInAsync(own.Server, secured.App.Code())).Status.ShouldBe(429);
    }

    [Theory, OnBothEngines]
    public async Task A_sign_in_that_waits_for_its_code_ends_after_ten_minutes_and_when_the_password_changes(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var secured = await SecuredAccount.CreateAsync(own);
        var person = new Person(own.Server);
        var late = await SignInAsync(person, secured);
        own.Clock.Advance(TimeSpan.FromMinutes(10));
        var asked = await SignInAsync(person, secured);

        var expired = await SendCodeAsync(person, late, secured.App.Code());
        (await secured.Account.Session.ChangePasswordAsync(NewPassword)).Status.ShouldBe(204);
        var changed = await SendCodeAsync(person, asked, secured.App.Code());

        (expired.Status, changed.Status).ShouldBe((401, 401));
        changed.Text.ShouldContain("Sign in again");
        person.SetCookie.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task A_new_password_does_not_turn_it_off(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var secured = await SecuredAccount.CreateAsync(own);
        await own.Server.ForgetPasswordAsync(secured.Account.Email);
        var token = await mailbox.TokenAsync(secured.Account.Email, "reset-password");

        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(204);

        (await secured.LogInAsync(own.Server, code: null, NewPassword)).ShouldBeProblem(401, "totp_required");
        (await secured.LogInAsync(own.Server, secured.App.Code(), NewPassword)).Status.ShouldBe(200);
    }

    private static Task<Answer> SignInAsync(Person person, SecuredAccount secured) => person.SendFormAsync(
        "/sign-in",
        new() { ["email"] = secured.Account.Email, ["password"] = TestAccount.Password, ["next"] = "app/keys" });

    private static Task<Answer> SendCodeAsync(Person person, Answer page, string code) => person.SendFormAsync(
        "/sign-in/code", new() { ["pending"] = Pending().Match(page.Text).Groups["token"].Value, ["code"] = code });

    private static IEnumerable<(HttpMethod Method, string Path)> Routes(TestServer server) =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let path = endpoint.RoutePattern.RawText!.TrimEnd('/').Replace("{id:guid}", "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90")
        where !path.StartsWith("/assets/", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        where method != "HEAD"
        select (new HttpMethod(method), path.Length == 0 ? "/" : path);

    [GeneratedRegex("name=\"pending\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pending();
}
