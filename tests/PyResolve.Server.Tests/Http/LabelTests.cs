namespace PyResolve.Server.Tests.Http;

/// <summary>Text that another person is shown cannot look like something else.</summary>
public sealed class LabelTests(SharedServers servers)
{
    public static TheoryData<string> Deceiving { get; } =
    [
        "abc\u202Ecod", "\u2066x\u2069", "py\u200Bresolve", "\uFEFFx", "x\u00ADy", "x\u2028y", "x\u2029y", "\u200Dx", "x\u200D",
        "a\u200C\u200Cb", "\U000E0041x", "x\u061Cy", "x\u180Ey", "x\uE000",
    ];

    [Theory, MemberData(nameof(Deceiving))]
    public async Task Characters_that_are_invisible_or_reverse_text_are_refused_in_every_name(string name)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await server.Anonymous.PostAsync("/auth/device/code", new { client_id = name })).ShouldBlame("client_id");
        (await server.Anonymous.PostAsync(
            "/auth/device/code",
            new FormUrlEncodedContent([new("client_id", name)]))).ShouldBlame("client_id");
        (await account.Session.PostAsync("/auth/api-keys", new { name })).ShouldBlame("name");
        (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name })).ShouldBlame("name");
        (await server.Anonymous.PostAsync("/auth/signup", new { email = "label@example.com", password = TestAccount.Password, name }))
            .ShouldBlame("name");
    }

    [Theory]
    [InlineData("pyresolve-cli on Ada's laptop")]
    [InlineData("中文 עברית العربية")]
    [InlineData("می\u200Cخواهم")]
    [InlineData("👩\u200D💻")]
    public async Task Names_of_all_scripts_are_taken(string name)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        (await server.Anonymous.PostAsync("/auth/device/code", new { client_id = name })).Status.ShouldBe(200);
        (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name })).Status.ShouldBe(200);
    }
}
