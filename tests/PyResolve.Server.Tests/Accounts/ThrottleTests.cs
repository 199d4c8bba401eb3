using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting.Internal;
using PyResolve.Server.Accounts;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Accounts;

[Trait("Category", "Proof")]
public sealed class ThrottleTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> AsShipped = new()
    {
        ["PyResolve:LogInFailuresPerAddress"] = null,
        ["PyResolve:SignUpsPerHour"] = null,
    };

    [Theory, OnBothEngines]
    public async Task The_21st_try_on_an_account_is_refused_and_other_accounts_are_not_affected(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var neighbour = await servers.SignUpAsync(engine);
        await FailAsync(server, account.Email, 20);

        var refused = await server.LogInAsync(account.Email);

        refused.Status.ShouldBe(429);
        refused.Code.ShouldBe("rate_limited");
        refused.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15));
        (await server.LogInAsync(neighbour.Email)).Status.ShouldBe(200);
        (await account.Session.StatusAsync()).ShouldBe(200);
        (await account.Key.StatusAsync()).ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_logins_on_two_instances_get_exactly_20_tries(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await using var second = await TestServer.StartAsync(own.Store, clock: own.Clock);
        var account = await own.SignUpAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i =>
            (i % 2 == 0 ? own.Server : second).LogInAsync(account.Email, AccountDriver.WrongPassword)));

        answers.Count(answer => answer.Status == 401).ShouldBe(20);
        answers.Count(answer => answer.Status == 429).ShouldBe(20);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_attempts_are_recorded_exactly_up_to_the_limit(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await using var second = await TestServer.StartAsync(own.Store, clock: own.Clock);
        Throttle[] throttles = [own.Server.Services.GetRequiredService<Throttle>(), second.Services.GetRequiredService<Throttle>()];
        for (var round = 0; round < 8; round++)
        {
            // Two meters, in either order.
            var one = new ThrottleRule("test.one", 12, TimeSpan.FromMinutes(1)).For($"ada {round}");
            var other = new ThrottleRule("test.other", 60, TimeSpan.FromMinutes(1)).For($"ada {round}");

            var attempts = await Task.WhenAll(Enumerable.Range(0, 30).Select(i =>
                throttles[i % 2].RecordAsync(
                    i % 3 == 0 ? [one, other] : i % 3 == 1 ? [other, one] : [one], TestContext.Current.CancellationToken)));

            attempts.Count(attempt => attempt.RetryAfter is null).ShouldBe(12, $"round {round}");
        }
    }

    [Theory, OnBothEngines]
    public async Task The_limit_survives_a_restart_and_ends_with_its_window(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await FailAsync(own.Server, account.Email, 20);

        await using var restarted = await TestServer.StartAsync(own.Store, clock: own.Clock);

        (await restarted.LogInAsync(account.Email)).Status.ShouldBe(429);
        own.Clock.Advance(TimeSpan.FromMinutes(15));
        (await restarted.LogInAsync(account.Email)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_right_password_does_not_count(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);

        for (var i = 0; i < 25; i++)
            (await server.LogInAsync(account.Email)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task An_unknown_email_is_answered_like_a_wrong_password(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var unknownEmail = $"unknown-{account.UserId}@example.com";
        for (var i = 0; i < 20; i++)
        {
            var wrong = await server.LogInAsync(account.Email, AccountDriver.WrongPassword);
            var unknown = await server.LogInAsync(i % 2 == 0 ? unknownEmail : unknownEmail.ToUpperInvariant(), AccountDriver.WrongPassword);
            (unknown.Status, unknown.Detail).ShouldBe((wrong.Status, wrong.Detail));
            unknown.Status.ShouldBe(401);
        }

        var (later, laterUnknown) = (await server.LogInAsync(account.Email), await server.LogInAsync(unknownEmail));

        (laterUnknown.Status, laterUnknown.Detail).ShouldBe((later.Status, later.Detail));
        laterUnknown.Status.ShouldBe(429);
    }

    /// <summary>Compares the counted work. Times vary on a busy machine, so they are only checked for gross differences.</summary>
    [Fact]
    public async Task An_unknown_email_costs_as_much_as_a_wrong_password()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?> { ["PyResolve:PasswordIterations"] = "60000" });
        var account = await own.SignUpAsync();
        var passwords = own.Server.Services.GetRequiredService<Passwords>();
        var (wrong, unknown) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < 18; i++)
        {
            var before = passwords.Comparisons;
            wrong.Add(await TimeAsync(own.Server, account.Email));
            var between = passwords.Comparisons;
            unknown.Add(await TimeAsync(own.Server, "nobody@example.com"));
            (between - before, passwords.Comparisons - between).ShouldBe((1, 1));
        }

        var ratio = Median(unknown) / Median(wrong);

        Proofs.Report(
            "Accounts", $"A login with an unknown email takes {ratio:0.00} times as long as one with a wrong password (medians of 18).");
        ratio.ShouldBeInRange(0.6, 1.6);
    }

    [Theory, OnBothEngines]
    public async Task An_address_gets_100_tries_for_all_accounts_together(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: AsShipped);
        var account = await own.SignUpAsync();
        for (var i = 0; i < 100; i++)
            (await own.Server.LogInAsync($"user{i}@example.com", AccountDriver.WrongPassword)).Status.ShouldBe(401);

        (await own.Server.LogInAsync(account.Email)).Status.ShouldBe(429);

        (await account.Key.StatusAsync()).ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task The_store_keeps_no_email_of_an_attempt_and_deletes_old_rows(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        await FailAsync(own.Server, "somebody@example.com", 3);
        (await own.Store.ReadNumberAsync("select count(*) from attempts")).ShouldBe(6);
        (await own.Store.ReadNumberAsync("select count(*) from attempts where subject like '%@%' or subject like '%somebody%'"))
            .ShouldBe(0);

        own.Clock.Advance(TimeSpan.FromDays(2));

        await Eventually.IsTrueAsync(
            async () =>
            {
                own.Clock.Advance(Housekeeping.Interval);
                return await own.Store.ReadNumberAsync("select count(*) from attempts") == 0;
            },
            cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory, OnBothEngines]
    public async Task Sign_ups_of_an_address_are_limited(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:SignUpsPerHour"] = "3" });
        for (var i = 0; i < 3; i++)
            await own.SignUpAsync();

        var refused = await new Caller(own.Server.Http).PostAsync(
            "/auth/signup", new { email = "fourth@example.com", password = TestAccount.Password });

        refused.Status.ShouldBe(429);
        refused.Headers.RetryAfter.ShouldNotBeNull();
        own.Clock.Advance(TimeSpan.FromHours(1));
        await own.SignUpAsync("fourth@example.com");
    }

    [Theory]
    [InlineData(null, "203.0.113.7", "127.0.0.1")]
    [InlineData("10.0.0.0/8", "203.0.113.7", "127.0.0.1")]
    [InlineData("127.0.0.1", "203.0.113.7", "203.0.113.7")]
    [InlineData("10.0.0.0/8, 127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7")]
    public async Task A_forwarded_address_counts_only_from_a_trusted_proxy(string? trusted, string forwarded, string expected)
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:TrustedProxies"] = trusted });

        await new Caller(own.Server.Http, "X-Forwarded-For", forwarded).PostAsync(
            "/auth/login", new { email = "a@example.com", password = "wrong" });

        (await own.Store.ReadSqlAsync("select subject from attempts where kind = 'login.address'")).ShouldBe(expected);
    }

    [Fact]
    public void An_ipv6_network_counts_as_one_address()
    {
        var rules = new ThrottleRules(new ConfigurationBuilder().Build());

        var (one, other, far) = (rules.SignUp("2001:db8:1:2::1"), rules.SignUp("2001:db8:1:2:ffff::9"), rules.SignUp("2001:db8:1:3::1"));

        one.ShouldBe(other);
        one[0].ShouldNotBe(far[0]);
    }

    [Theory, OnBothEngines]
    public async Task An_ipv6_site_does_not_get_a_budget_for_each_of_its_65536_networks(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: new Dictionary<string, string?>
        {
            ["PyResolve:SignUpsPerHour"] = "4",
            ["PyResolve:TrustedProxies"] = "127.0.0.1",
        });
        var answers = new List<int>();
        for (var i = 0; i < 8; i++)
            answers.Add((await SignUpFromAsync(own, $"2001:db8:7:{i:x}::1", $"site{i}@example.com")).Status);

        answers.ShouldBe([201, 201, 201, 201, 201, 201, 429, 429]);
        (await SignUpFromAsync(own, "2001:db8:8::1", "elsewhere@example.com")).Status.ShouldBe(201);
    }

    [Theory]
    [InlineData("198.51.100.7")]
    [InlineData("::ffff:198.51.100.7")]
    [InlineData("::198.51.100.7")]
    [InlineData("::ffff:0:198.51.100.7")]
    [InlineData("64:ff9b::198.51.100.7")]
    [InlineData("2002:c633:6407::1")]
    [InlineData("2002:c633:6407:9:8:7:6:5")]
    [InlineData("2001:0:4136:e378:8000:63bf:39cc:9bf8")]
    public void One_ipv4_address_does_not_count_apart_for_each_form_that_a_gateway_gives_it(string form)
    {
        var network = ClientNetwork.Of(form);

        (network.Narrow, network.Wide).ShouldBe(("198.51.100.7", null));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("not an address")]
    public void Clients_without_an_address_do_not_escape_every_limit(string? address)
    {
        var rules = new ThrottleRules(new ConfigurationBuilder().Build());

        rules.SignUp(address).Single().ShouldBe(rules.SignUp(null).Single());
        rules.LogIn("ada@example.com", address, isKnownNetwork: false).Count.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task Strangers_who_guess_do_not_lock_the_owner_out_at_home(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:TrustedProxies"] = "127.0.0.1" });
        (await SignUpFromAsync(own, "198.51.100.1", "ada@example.com")).Status.ShouldBe(201);
        for (var i = 0; i < 20; i++)
            (await LogInFromAsync(own, "203.0.113.9", AccountDriver.WrongPassword)).Status.ShouldBe(401);

        (await LogInFromAsync(own, "203.0.113.9", TestAccount.Password)).Status.ShouldBe(429);
        (await LogInFromAsync(own, "203.0.113.10", TestAccount.Password)).Status.ShouldBe(429);
        (await LogInFromAsync(own, "198.51.100.1", TestAccount.Password)).Status.ShouldBe(200);
        for (var i = 0; i < 20; i++)
            (await LogInFromAsync(own, "198.51.100.1", AccountDriver.WrongPassword)).Status.ShouldBe(401);
        (await LogInFromAsync(own, "198.51.100.1", TestAccount.Password)).Status.ShouldBe(429);
    }

    [Fact]
    public async Task The_queue_for_password_checks_is_bounded()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["PYRESOLVE_DATA"] = "unused", ["PyResolve:PasswordIterations"] = "1000" }).Build();
        var share = new QueueShare("network", "account");
        var passwords = new Passwords(
            ServerOptions.Read(configuration, new HostingEnvironment { EnvironmentName = "Test" }), turns: 1);
        var held = await passwords.TakeTurnAsync(share, TestContext.Current.CancellationToken);
        var waiting = Enumerable.Range(0, 256).Select(_ => passwords.TakeTurnAsync(share, TestContext.Current.CancellationToken)).ToList();

        (await passwords.TakeTurnAsync(share, TestContext.Current.CancellationToken)).ShouldBeNull();

        waiting.ShouldAllBe(turn => !turn.IsCompleted);
        held!.Dispose();
        foreach (var turn in waiting)
            (await turn)!.Dispose();
        using var next = await passwords.TakeTurnAsync(share, TestContext.Current.CancellationToken);
        next.ShouldNotBeNull();
    }

    private static Task<Answer> SignUpFromAsync(OwnServer own, string address, string email) =>
        new Caller(own.Server.Http, "X-Forwarded-For", address).PostAsync("/auth/signup", new { email, password = TestAccount.Password });

    private static Task<Answer> LogInFromAsync(OwnServer own, string address, string password) =>
        new Caller(own.Server.Http, "X-Forwarded-For", address).PostAsync("/auth/login", new { email = "ada@example.com", password });

    private static async Task FailAsync(TestServer server, string email, int times)
    {
        for (var i = 0; i < times; i++)
            (await server.LogInAsync(email, AccountDriver.WrongPassword)).Status.ShouldBe(401);
    }

    private static async Task<TimeSpan> TimeAsync(TestServer server, string email)
    {
        var start = Stopwatch.GetTimestamp();
        (await server.LogInAsync(email, AccountDriver.WrongPassword)).Status.ShouldBe(401);
        return Stopwatch.GetElapsedTime(start);
    }

    private static TimeSpan Median(List<TimeSpan> times) => times.Order().ElementAt(times.Count / 2);
}
