namespace PyResolve.Server.Tests.Accounts;

public sealed class AccountInputTests(SharedServers servers)
{
    private static readonly string[] InvalidValues =
        ["\"a\\u0000b\"", "\"a\\u0007\"", "\"\\ud800\"", "1", "true", "[]", "{}", $"\"{new string('x', 300)}\""];

    [Theory, OnBothEngines]
    public async Task Invalid_values_are_refused_with_their_field(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        (HttpMethod Method, string Path, string Property)[] properties =
        [
            (HttpMethod.Patch, "/me", "name"),
            (HttpMethod.Post, "/auth/password", "current_password"),
            (HttpMethod.Post, "/auth/password", "new_password"),
            (HttpMethod.Post, "/auth/password/forgot", "email"),
            (HttpMethod.Post, "/auth/password/reset", "token"),
            (HttpMethod.Post, "/auth/password/reset", "password"),
            (HttpMethod.Post, "/auth/email/verify", "token"),
            (HttpMethod.Delete, "/auth/account", "password"),
        ];

        foreach (var (method, path, property) in properties)
        {
            foreach (var json in InvalidValues)
            {
                var answer = await account.Session.SendAsync(method, path, $"{{\"{property}\":{json}}}");

                (answer.Status, answer.ContentType)
                    .ShouldBe((422, "application/problem+json"), $"{method} {path} {property} {json}: {answer.Text}");
                answer["errors"].TryGetProperty(property, out _).ShouldBeTrue($"{method} {path} {property} {json}: {answer.Text}");
            }
        }

        (await account.Session.StatusAsync()).ShouldBe(200);
    }
}
