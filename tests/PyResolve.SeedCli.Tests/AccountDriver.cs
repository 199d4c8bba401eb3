namespace PyResolve.SeedCli.Tests;

/// <summary>Accounts for these tests.</summary>
internal static class AccountDriver
{
    /// <summary>A new account, which an operator moves to a plan.</summary>
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
        // The key was never used before: a server may accept a used one for another second.
        var keys = (await account.Session.GetAsync("/auth/api-keys"))["data"];
        var id = keys.EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetGuid();
        (await account.Session.DeleteAsync($"/auth/api-keys/{id}")).Status.ShouldBe(204);
    }
}
