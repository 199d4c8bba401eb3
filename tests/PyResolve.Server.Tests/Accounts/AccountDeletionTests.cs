using PyResolve.Server.Keys;

namespace PyResolve.Server.Tests.Accounts;

public sealed class AccountDeletionTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_deleted_account_loses_its_data_and_credentials_and_keeps_its_usage(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var other = await own.Server.NewSessionAsync(account);
        (await account.Key.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);

        var deleted = await account.Session.DeleteAccountAsync();

        deleted.Status.ShouldBe(204);
        (await account.Key.StatusAsync()).ShouldBe(401);
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await other.StatusAsync()).ShouldBe(401);
        (await own.Server.LogInAsync(account.Email)).Status.ShouldBe(401);
        (await own.Store.ReadNumberAsync(
            $"""
            select count(*) from profiles
            where id = '{account.UserId}' and email = '' and name is null and deleted_at is not null
            """)).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from passwords")).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from sessions where address is not null or user_agent is not null")).ShouldBe(0);
        (await own.Store.ReadNumberAsync("select count(*) from usage_events")).ShouldBe(1);
        (await own.Store.ReadNumberAsync(
            $"""
            select count(*) from audit_log
            where user_id = '{account.UserId}' and action in ('account.created', 'account.deleted')
            """)).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task The_email_of_a_deleted_account_can_sign_up_again(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var first = await own.SignUpAsync("ada@example.com");
        await first.Session.DeleteAccountAsync();

        var second = await own.SignUpAsync("ada@example.com");

        second.UserId.ShouldNotBe(first.UserId);
        (await second.Key.StatusAsync()).ShouldBe(200);
        await second.Session.DeleteAccountAsync();
        (await second.Key.StatusAsync()).ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task Without_the_password_nothing_is_deleted(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        (await account.Session.DeleteAccountAsync(AccountDriver.WrongPassword)).Status.ShouldBe(401);
        (await account.Session.DeleteAccountAsync(password: null)).Status.ShouldBe(422);
        (await account.Key.DeleteAccountAsync()).Status.ShouldBe(403);

        (await account.Session.StatusAsync()).ShouldBe(200);
        (await account.Key.StatusAsync()).ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_key_created_during_the_deletion_is_refused_too(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await account.Session.DeleteAccountAsync();

        var key = ApiKeyFormat.Create();
        await own.Store.ExecuteSqlAsync(
            $"""
            insert into api_keys (id, user_id, key_hash, key_prefix, created_at)
            select '{Guid.CreateVersion7(own.Clock.GetUtcNow())}', user_id, '{KeyHash.Create(key)}', '{key[..20]}', created_at
            from api_keys where user_id = '{account.UserId}'
            """);

        (await own.Server.WithKey(key).StatusAsync()).ShouldBe(401);
    }
}
