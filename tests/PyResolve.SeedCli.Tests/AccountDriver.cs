namespace PyResolve.SeedCli.Tests;

/// <summary>Accounts as these tests need them.</summary>
internal static class AccountDriver
{
    /// <summary>A new account, moved to a plan as an operator would by hand.</summary>
    public static async Task<TestAccount> SignUpAsync(this SharedServers servers, StorageEngine engine, string plan)
    {
        var server = await servers.OnAsync(engine);
        var account = await TestAccount.SignUpAsync(server.Http);
        (await server.ExecuteSqlAsync($"update profiles set plan = '{plan}' where id = '{account.UserId}'")).ShouldBe(1);
        return account;
    }

    /// <summary>Revokes the account's only key.</summary>
    public static async Task RevokeKeyAsync(this TestAccount account)
    {
        // With a key that was never used before: what a server remembers of a used one may live on for a second.
        var keys = (await account.Session.GetAsync("/auth/api-keys"))["data"];
        var id = keys.EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetGuid();
        (await account.Session.DeleteAsync($"/auth/api-keys/{id}")).Status.ShouldBe(204);
    }
}
