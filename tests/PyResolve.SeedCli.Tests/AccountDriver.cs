namespace PyResolve.SeedCli.Tests;

internal static class AccountDriver
{
    /// <summary>Signs up an account and sets its plan by SQL, as an operator can.</summary>
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
        // With a key that was never used: the server caches a used key for up to a second.
        var keys = (await account.Session.GetAsync("/auth/api-keys"))["data"];
        var id = keys.EnumerateArray().ShouldHaveSingleItem().GetProperty("id").GetGuid();
        (await account.Session.DeleteAsync($"/auth/api-keys/{id}")).Status.ShouldBe(204);
    }
}
