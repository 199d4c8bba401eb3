namespace PyResolve.Server.Tests.Accounts;

public sealed class AccountInputTests(SharedServers servers)
{
    private static readonly string[] Unfit =
        ["\"a\\u0000b\"", "\"a\\u0007\"", "\"\\ud800\"", "1", "true", "[]", "{}", $"\"{new string('x', 300)}\""];

    [Theory, OnBothEngines]
    public async Task Invalid_text_is_refused_with_its_field_and_changes_nothing(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        (HttpMethod Method, string Path, string Member)[] members =
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

        foreach (var (method, path, member) in members)
        {
            foreach (var json in Unfit)
            {
                var answer = await account.Session.SendAsync(method, path, $"{{\"{member}\":{json}}}");

                (answer.Status, answer.ContentType)
                    .ShouldBe((422, "application/problem+json"), $"{method} {path} {member} {json}: {answer.Text}");
                answer["errors"].TryGetProperty(member, out _).ShouldBeTrue($"{method} {path} {member} {json}: {answer.Text}");
            }
        }

        (await account.Session.StatusAsync()).ShouldBe(200);
    }
}
