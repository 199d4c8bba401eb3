using PyResolve.Gate;

namespace PyResolve.MSBuild.Tests;

/// <summary>Which work a build belongs to: what is charged once.</summary>
public sealed class BuildIdentityTests
{
    private const string Commit = "0123456789abcdef0123456789abcdef01234567";

    [Theory]
    [InlineData("https://token:x@example.com/Acme/shop.git")]
    [InlineData("git@example.com:acme/shop.git")]
    [InlineData("ssh://git@example.com/acme/shop")]
    [InlineData("https://example.com/acme/shop/")]
    public void One_repository_has_one_spelling(string address)
    {
        var identity = BuildIdentity.Find(new GateRequest { Origin = address, Head = Commit }, _ => null);

        identity.ShouldBe(new BuildIdentity("example.com/acme/shop", Commit, IsFork: false));
    }

    [Fact]
    public void A_pull_request_has_the_commit_of_its_head_on_every_CI_system()
    {
        var request = new GateRequest { Origin = "https://elsewhere.example/x", Head = "merge" };
        var gitLab = new Dictionary<string, string>
        {
            ["GITLAB_CI"] = "true",
            ["CI_PROJECT_URL"] = "https://example.com/acme/shop",
            ["CI_COMMIT_SHA"] = "merge",
            ["CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"] = Commit,
            ["CI_MERGE_REQUEST_PROJECT_ID"] = "1",
            ["CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] = "2",
        };
        var azure = new Dictionary<string, string>
        {
            ["TF_BUILD"] = "True",
            ["BUILD_REPOSITORY_URI"] = "https://acme@example.com/acme/shop",
            ["BUILD_SOURCEVERSION"] = "merge",
            ["SYSTEM_PULLREQUEST_SOURCECOMMITID"] = Commit,
            ["SYSTEM_PULLREQUEST_ISFORK"] = "True",
        };

        foreach (var variables in new[] { gitLab, azure })
        {
            BuildIdentity.Find(request, name => variables.GetValueOrDefault(name))
                .ShouldBe(new BuildIdentity("example.com/acme/shop", Commit, IsFork: true));
        }
    }

    [Fact]
    public void The_once_key_depends_on_everything_that_is_paid_for()
    {
        var identity = new BuildIdentity("example.com/acme/shop", Commit, IsFork: false);
        var migration = new GateMigration("Typing_Extensions", "2.0", "tier2", "", "");
        GateMigration[] others =
        [
            migration with { Library = "numpy" }, migration with { Target = "2.1" }, migration with { Tier = "tier3" },
        ];

        var key = identity.CreateOnceKey(migration);

        key.ShouldNotBeNull().Length.ShouldBeLessThanOrEqualTo(255);
        identity.CreateOnceKey(migration with { Library = "typing-extensions", Path = "src" }).ShouldBe(key);
        others.Select(identity.CreateOnceKey).Append((identity with { Commit = "other" }).CreateOnceKey(migration))
            .Append((identity with { Repository = "other" }).CreateOnceKey(migration)).ShouldNotContain(key);
        (identity with { Commit = null }).CreateOnceKey(migration).ShouldBeNull();
    }
}
