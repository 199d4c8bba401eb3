using System.Text;
using System.Text.RegularExpressions;

namespace PyResolve.Server.Tests.Devices;

public sealed class DevicePageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task The_code_is_taken_in_any_case_with_or_without_its_dash(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var device = await Device.BeginAsync(server.Http);
        var person = await Person.SignedInAsync(server, await TestAccount.SignUpAsync(server.Http));

        var code = device.UserCode;
        foreach (var typed in new[] { code, code.ToLowerInvariant(), code.Replace("-", ""), $" {code.Replace("-", " – ")} " })
            (await person.OpenAsync(typed)).Text.ShouldContain("Is this your device?");
    }

    [Theory, OnBothEngines]
    public async Task The_code_survives_signing_in(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var person = new Person(server);

        (await person.OpenAsync("BCDF-GHJK")).Text.ShouldContain("""<input type="hidden" name="user_code" value="BCDF-GHJK">""");
        var answer = await person.SignInAsync(account.Email, userCode: "BCDF-GHJK");

        (answer.Status, answer.Headers.Location!.OriginalString).ShouldBe((303, "device?user_code=BCDF-GHJK"));
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_password_is_answered_with_the_form_again_and_no_cookie(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var person = new Person(server);

        var wrong = await person.SignInAsync(account.Email, "not the password");
        var unknown = await person.SignInAsync("nobody@example.com", "not the password");

        (wrong.Status, wrong.ContentType).ShouldBe((401, "text/html"));
        wrong.Text.ShouldContain("""<p class="alert" role="alert">Wrong email or password.</p>""");
        wrong.Text.ShouldNotContain("not the password");
        unknown.Text.ShouldBe(wrong.Text.Replace(account.Email, "nobody@example.com"));
        person.SetCookie.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task Ten_wrong_codes_use_up_an_accounts_tries_on_every_instance(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await using var other = await TestServer.StartAsync(own.Store, clock: own.Clock);
        var account = await own.SignUpAsync();
        var device = await Device.BeginAsync(own.Server.Http);
        var (here, there) = (await Person.SignedInAsync(own.Server, account), await Person.SignedInAsync(other, account));

        var wrong = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => here.OpenAsync("BBBB-BBBB")));
        var refused = await there.OpenAsync(device.UserCode);

        wrong.ShouldAllBe(answer => answer.Status == 404 && answer.Text.Contains("No device is waiting with this code."));
        (refused.Status, refused.Headers.RetryAfter!.Delta).ShouldBe((429, TimeSpan.FromMinutes(15)));
        (await there.ApproveAsync(device.UserCode)).Status.ShouldBe(429);
        own.Clock.Advance(TimeSpan.FromMinutes(15));
        (await there.OpenAsync((await Device.BeginAsync(own.Server.Http)).UserCode)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Right_codes_are_not_counted(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var device = await Device.BeginAsync(server.Http);
        var person = await Person.SignedInAsync(server, await TestAccount.SignUpAsync(server.Http));

        for (var i = 0; i < 15; i++)
            (await person.OpenAsync(device.UserCode)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_request_that_another_account_decided_cannot_be_seen_or_changed(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var owner = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http);
        await (await Person.SignedInAsync(server, owner)).ApproveAsync(device.UserCode);
        var stranger = await Person.SignedInAsync(server, await TestAccount.SignUpAsync(server.Http));

        (await stranger.OpenAsync(device.UserCode)).Status.ShouldBe(404);
        (await stranger.DenyAsync(device.UserCode)).Status.ShouldBe(404);

        (await device.PollAsync())["user"].GetProperty("id").GetGuid().ShouldBe(owner.UserId);
    }

    [Theory, OnBothEngines]
    public async Task A_form_from_another_site_is_refused_with_a_page(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var device = await Device.BeginAsync(server.Http);
        var person = await Person.SignedInAsync(server, account);
        var approve = new Dictionary<string, string> { ["action"] = "approve", ["user_code"] = device.UserCode };

        Dictionary<string, string>[] elsewhere =
        [
            [],
            new() { ["Sec-Fetch-Site"] = "cross-site", ["Origin"] = server.Address.GetLeftPart(UriPartial.Authority) },
            new() { ["Sec-Fetch-Site"] = "same-site" },
            new() { ["Sec-Fetch-Site"] = "none" },
            new() { ["Origin"] = "https://evil.example" },
            new() { ["Origin"] = "null" },
            new() { ["Origin"] = $"http://127.0.0.1:{(server.Address.Port == 1 ? 2 : 1)}" },
            new() { ["Origin"] = $"https://127.0.0.1:{server.Address.Port}" },
        ];
        foreach (var headers in elsewhere)
        {
            var answer = await person.PostAsync(approve, headers);
            (answer.Status, answer.ContentType).ShouldBe((403, "text/html"));
        }

        (await device.PollForErrorAsync()).ShouldBe("authorization_pending");
        (await person.PostAsync(approve, new() { ["Origin"] = $"http://localhost:{server.Address.Port}" })).Status.ShouldBe(303);
    }

    [Theory, OnBothEngines]
    public async Task Bad_forms_are_answered_with_pages(StorageEngine engine)
    {
        var person = new Person(await servers.OnAsync(engine));

        (HttpContent Body, int Status)[] bad =
        [
            (new StringContent("{}", Encoding.UTF8, "application/json"), 415),
            (new MultipartFormDataContent { { new StringContent("sign-in"), "action" } }, 415),
            (new FormUrlEncodedContent([]), 400),
            (new FormUrlEncodedContent([new("action", "explode")]), 400),
            (new FormUrlEncodedContent([new("action", "sign-in"), new("action", "sign-out")]), 400),
            (new FormUrlEncodedContent([new("action", "sign-in")]), 422),
            (new FormUrlEncodedContent([new("action", "sign-in"), new("email", "a\0b"), new("password", "x")]), 422),
            (new FormUrlEncodedContent([new("action", "approve"), new("user_code", "BCDF-GHJK")]), 401),
            (new StringContent(new string('a', 2_000_000), Encoding.UTF8, "application/x-www-form-urlencoded"), 413),
        ];
        foreach (var (body, status) in bad)
        {
            var answer = await person.PostBodyAsync(body);
            (answer.Status, answer.ContentType).ShouldBe((status, "text/html"), answer.Text);
            answer.Text.ShouldContain("role=\"alert\"");
        }

        (await person.OpenAsync("BCDF-GHJK")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Text_from_a_device_or_a_link_is_encoded(StorageEngine engine)
    {
        const string Markup = "\"'><script>alert(1)</script>";
        var server = await servers.OnAsync(engine);
        var device = await Device.BeginAsync(server.Http, Markup);
        var person = await Person.SignedInAsync(server, await TestAccount.SignUpAsync(server.Http));

        Answer[] pages =
        [
            await new Person(server).OpenAsync(Markup),
            await person.OpenAsync(Markup),
            await person.OpenAsync(device.UserCode),
            await new Person(server).SignInAsync(Markup),
        ];

        foreach (var page in pages)
        {
            page.Text.ShouldNotContain("<script>");
            page.Text.ShouldContain("&lt;script&gt;alert(1)&lt;/script&gt;");
            page.Text.ShouldNotContain("\"'>");
        }
    }

    [Theory, OnBothEngines]
    public async Task Pages_are_not_cached_and_cannot_be_framed(StorageEngine engine)
    {
        var page = await new Person(await servers.OnAsync(engine)).OpenAsync();

        string Header(string name) => page.Headers.GetValues(name).Single();
        page.ContentType.ShouldBe("text/html");
        Header("Cache-Control").ShouldBe("no-store");
        Header("Content-Security-Policy").ShouldContain("default-src 'none'");
        Header("Content-Security-Policy").ShouldContain("frame-ancestors 'none'");
        Header("X-Frame-Options").ShouldBe("DENY");
        Header("X-Content-Type-Options").ShouldBe("nosniff");
        Header("Referrer-Policy").ShouldBe("same-origin");
        page.Text.ShouldNotContain("style=");
    }

    [Theory, OnBothEngines]
    public async Task The_cookie_works_only_for_pages_and_ends_with_its_session(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        var person = await Person.SignedInAsync(server, account);
        var cookie = person.Cookie!;

        person.SetCookie!.ShouldMatch("^pyr_session=pyr_sess_[0-9a-f]{48}; expires=[^;]+; path=/; samesite=lax; httponly$");
        (await new Caller(server.Http, "Cookie", cookie).GetAsync("/me")).Status.ShouldBe(401);
        var bearer = new Caller(server.Http, "Authorization", $"Bearer {cookie.Split('=')[1]}");
        (await bearer.GetAsync("/me")).Status.ShouldBe(200);

        (await person.SignOutAsync()).Status.ShouldBe(303);

        (await bearer.GetAsync("/me")).Status.ShouldBe(401);
        person.SetCookie.ShouldStartWith("pyr_session=; expires=Thu, 01 Jan 1970");
        (await person.OpenAsync()).Text.ShouldContain("Connect a device");
    }

    [Theory, OnBothEngines]
    public async Task On_other_machines_the_cookie_is_secure_and_passwords_over_http_are_refused(StorageEngine engine)
    {
        var settings = new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com/pyresolve/" };
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);
        var account = await own.SignUpAsync();
        var person = new Person(own.Server);
        var signIn = new Dictionary<string, string>
        {
            ["action"] = "sign-in", ["email"] = account.Email, ["password"] = TestAccount.Password,
        };

        var plain = await person.PostAsync(signIn, new() { ["Sec-Fetch-Site"] = "same-origin", ["Origin"] = "http://10.0.0.7:8000" });
        var secure = await person.PostAsync(signIn, new() { ["Origin"] = "https://billing.example.com" });

        plain.Status.ShouldBe(403);
        plain.Text.ShouldContain("https");
        secure.Status.ShouldBe(303, secure.Text);
        person.SetCookie!.ShouldContain("; secure;");
    }

    [Theory, OnBothEngines]
    public async Task Stylesheet_script_and_images_come_from_the_server_itself(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var anyone = new Caller(server.Http);
        var page = await anyone.GetAsync("/device");
        const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture;
        var links = Regex.Matches(page.Text, "<(link|script|img) [^>]*(href|src)=\"(?<path>[^\"]+)\"", Options);
        var paths = links.Select(match => match.Groups["path"].Value).Distinct().ToList();

        paths.Count.ShouldBe(3);
        foreach (var path in paths)
        {
            path.ShouldMatch("^assets/[a-z]+[.](svg|css|js)[?]v=[0-9a-f]{16}$");
            var asset = await anyone.GetAsync(path);
            asset.Status.ShouldBe(200);
            asset.ContentType.ShouldBe(path.Contains(".css") ? "text/css" : path.Contains(".js") ? "text/javascript" : "image/svg+xml");
            asset.Headers.CacheControl!.ToString().ShouldContain("immutable");
            asset.Text.Length.ShouldBeLessThan(path.Contains(".js") ? 5_000 : 20_000);
        }
    }
}
