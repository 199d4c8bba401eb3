using System.Diagnostics;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace PyResolve.Server.Tests.Accounts;

public sealed class PasswordRuleTests(SharedServers servers)
{
    private const string Composed = "un caf\u00E9 au lait";
    private const string Decomposed = "un cafe\u0301 au lait";

    [Theory, OnBothEngines]
    public async Task A_password_is_not_wrong_because_another_keyboard_spells_it_differently(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var email = $"cafe-{Guid.CreateVersion7():N}@example.com";
        (await server.Anonymous.PostAsync("/auth/signup", new { email, password = Composed })).Status.ShouldBe(201);

        var opened = await server.LogInAsync(email, Decomposed);

        opened.Status.ShouldBe(200);
        (await server.LogInAsync(email, Composed)).Status.ShouldBe(200);
        (await server.LogInAsync(email, "un cafe au lait")).Status.ShouldBe(401);
        var session = new Caller(server.Http, "Authorization", $"Bearer {opened["session_token"].GetString()}");
        (await session.ChangePasswordAsync("\uFB01ne \uFF46eathers", Decomposed)).Status.ShouldBe(204);
        (await server.LogInAsync(email, "fine feathers")).Status.ShouldBe(200);
        (await session.DeleteAccountAsync("fine feathers")).Status.ShouldBe(204);
    }

    [Theory, OnBothEngines]
    public async Task A_password_that_was_set_before_passwords_were_normalized_is_still_right_and_is_hashed_again(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var old = new PasswordHasher<object>(Options.Create(new PasswordHasherOptions { IterationCount = 1000 }))
            .HashPassword(new object(), Decomposed);
        await own.Store.ExecuteSqlAsync($"update passwords set password_hash = '{old}'");
        (await own.Server.LogInAsync(account.Email, Composed)).Status.ShouldBe(401);

        (await own.Server.LogInAsync(account.Email, Decomposed)).Status.ShouldBe(200);

        (await own.Store.ReadSqlAsync("select password_hash from passwords")).ShouldNotBe(old);
        (await own.Server.LogInAsync(account.Email, Composed)).Status.ShouldBe(200);
        (await own.Server.LogInAsync(account.Email, Decomposed)).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("password", "most common")]
    [InlineData("Password1", "most common")]
    [InlineData("12345678", "most common")]
    [InlineData("987654321", "most common")]
    [InlineData("abcdefghij", "most common")]
    [InlineData("iloveyou", "most common")]
    [InlineData("QWERTYUIOP", "most common")]
    [InlineData("aaaaaaaa", "repeats")]
    [InlineData("abababab", "repeats")]
    [InlineData("xyzxyzxyz", "repeats")]
    [InlineData("pyresolve", "product's name")]
    [InlineData("PyResolve2026!", "product's name")]
    [InlineData("lovelace.ada@example.com", "email address")]
    [InlineData("Lovelace.Ada@Example.com", "email address")]
    [InlineData("lovelace.ada", "email address")]
    [InlineData("lovelace.ada2026", "email address")]
    [InlineData("\uFF50assword", "most common")]
    public async Task A_password_that_guessers_try_first_is_refused_with_the_reason(string password, string reason)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await server.Anonymous.PostAsync("/auth/signup", new { email = "lovelace.ada@example.com", password });

        (answer.Status, answer.Code).ShouldBe((422, "invalid"));
        answer["errors"].GetProperty("password")[0].GetString()!.ShouldContain(reason);
    }

    [Theory]
    [InlineData("Tidyline", "tidyline2026!")]
    [InlineData("Tidyline", "PyResolve1")]
    [InlineData("Tidy Line 2", "tidyline2")]
    [InlineData("Tidy Line 2", "Tidy Line 2026")]
    public async Task The_name_that_the_operator_gave_the_product_is_no_password(string product, string password)
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres,
            settings: new Dictionary<string, string?> { ["PyResolve:Product:Name"] = product });

        var answer = await own.Server.Anonymous.PostAsync("/auth/signup", new { email = "lovelace.ada@example.com", password });

        answer.Status.ShouldBe(422);
        answer["errors"].GetProperty("password")[0].GetString()!.ShouldContain("product's name");
    }

    [Fact]
    public async Task A_short_name_of_a_product_forbids_no_password_that_only_begins_with_it()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres,
            settings: new Dictionary<string, string?> { ["PyResolve:Product:Name"] = "R2" });

        var answer = await own.Server.Anonymous.PostAsync(
            "/auth/signup", new { email = "lovelace.ada@example.com", password = "r7195402836" });

        answer.Status.ShouldBe(201);
    }

    [Theory, OnBothEngines]
    public async Task A_common_password_is_refused_wherever_one_is_set(StorageEngine engine)
    {
        using var mailbox = new Email.TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync("lovelace.ada@example.com");
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        foreach (var password in new[] { "password", "lovelace.ada" })
        {
            (await account.Session.ChangePasswordAsync(password)).Status.ShouldBe(422);
            (await own.Server.ResetPasswordAsync(token, password)).Status.ShouldBe(422);
        }

        (await own.Server.ResetPasswordAsync(token, "correct battery horse staple")).Status.ShouldBe(204);
    }

    /// <summary>The known account's hash is of the time before; only its times and those of an unknown account are compared.</summary>
    [Theory]
    [InlineData(20_000, 200_000)]
    [InlineData(200_000, 20_000)]
    public async Task Changing_the_cost_of_hashing_does_not_show_who_has_an_account(int before, int after)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Iterations(before));
        var account = await own.SignUpAsync();
        await using var raised = await TestServer.StartAsync(own.Store, Iterations(after), own.Clock);
        await TimeAsync(raised, account.Email);
        var (known, unknown) = (new List<TimeSpan>(), new List<TimeSpan>());
        for (var i = 0; i < 9; i++)
        {
            known.Add(await TimeAsync(raised, account.Email));
            unknown.Add(await TimeAsync(raised, "nobody@example.com"));
        }

        // Without the compensation it is 0.1 or 10.
        (known.Order().ElementAt(4) / unknown.Order().ElementAt(4)).ShouldBeInRange(0.5, 2.0);
    }

    private static Dictionary<string, string?> Iterations(int count) => new() { ["PyResolve:PasswordIterations"] = $"{count}" };

    private static async Task<TimeSpan> TimeAsync(TestServer server, string email)
    {
        var start = Stopwatch.GetTimestamp();
        (await server.LogInAsync(email, AccountDriver.WrongPassword)).Status.ShouldBe(401);
        return Stopwatch.GetElapsedTime(start);
    }
}
