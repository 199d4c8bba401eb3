using System.Globalization;

namespace PyResolve.TestKit;

/// <summary>A test's own account.</summary>
public sealed record TestAccount(Guid UserId, string Email, string ApiKey, string SessionToken, HttpClient Http)
{
    public const string Password = "correct horse battery staple";

    private static int _count;

    /// <summary>Calls with the account's first key.</summary>
    public Caller Key { get; } = new(Http, "X-API-Key", ApiKey);

    /// <summary>Calls with the account's session.</summary>
    public Caller Session { get; } = new(Http, "Authorization", $"Bearer {SessionToken}");

    /// <summary>The same account, called on another server of the same store.</summary>
    public TestAccount On(HttpClient http) => new(UserId, Email, ApiKey, SessionToken, http);

    public static async Task<TestAccount> SignUpAsync(HttpClient http, string? email = null)
    {
        email ??= string.Create(
            CultureInfo.InvariantCulture, $"user{Interlocked.Increment(ref _count)}-{Environment.ProcessId}@example.com");
        var answer = await new Caller(http).PostAsync("/auth/signup", new { email, password = Password });
        if (answer.Status != 201)
            throw new InvalidOperationException($"Sign-up was answered {answer.Status}: {answer.Text}");
        return new TestAccount(
            answer["user"].GetProperty("id").GetGuid(),
            email,
            answer["api_key"].GetString()!,
            answer["session_token"].GetString()!,
            http);
    }
}
