namespace PyResolve.Server.Tests.Accounts;

/// <summary>Calls of the account routes.</summary>
internal static class AccountDriver
{
    public const string WrongPassword = "not the password at all";

    public static Task<Answer> LogInAsync(this TestServer server, string email, string password = TestAccount.Password) =>
        new Caller(server.Http).PostAsync("/auth/login", new { email, password });

    /// <summary>Another session of the account.</summary>
    public static async Task<Caller> NewSessionAsync(this TestServer server, TestAccount account)
    {
        var opened = await server.LogInAsync(account.Email);
        opened.Status.ShouldBe(200);
        return new Caller(server.Http, "Authorization", $"Bearer {opened["session_token"].GetString()}");
    }

    public static Task<Answer> ChangePasswordAsync(this Caller caller, string newPassword, string currentPassword = TestAccount.Password) =>
        caller.PostAsync("/auth/password", new { current_password = currentPassword, new_password = newPassword });

    public static Task<Answer> ForgetPasswordAsync(this TestServer server, string email) =>
        new Caller(server.Http).PostAsync("/auth/password/forgot", new { email });

    public static Task<Answer> ResetPasswordAsync(this TestServer server, string token, string password) =>
        new Caller(server.Http).PostAsync("/auth/password/reset", new { token, password });

    public static Task<Answer> DeleteAccountAsync(this Caller caller, string? password = TestAccount.Password) =>
        caller.SendAsync(HttpMethod.Delete, "/auth/account", password is null ? null : new { password });

    public static async Task<int> StatusAsync(this Caller caller) => (await caller.GetAsync("/me")).Status;

    /// <summary>The actions in the account's log, newest first.</summary>
    public static async Task<List<string?>> AuditedAsync(this Caller session) =>
        [.. (await session.GetAsync("/audit"))["data"].EnumerateArray().Select(entry => entry.GetProperty("action").GetString())];
}
