using System;

namespace PyResolve.MSBuild;

internal static class CiSystem
{
    /// <summary>Each is set by one CI system, or by many (CI).</summary>
    private static readonly string[] Marks =
    [
        "CI", "TF_BUILD", "GITHUB_ACTIONS", "GITLAB_CI", "JENKINS_URL", "TEAMCITY_VERSION", "BUILDKITE", "CIRCLECI", "TRAVIS", "APPVEYOR",
        "BITBUCKET_BUILD_NUMBER", "CODEBUILD_BUILD_ID", "DRONE",
    ];

    /// <summary>What tells one build of a CI system from another, as far as the gate is concerned.</summary>
    private static readonly string[] Names =
    [
        "GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_SHA", "GITHUB_EVENT_NAME", "CI_PROJECT_URL", "CI_COMMIT_SHA",
        "CI_MERGE_REQUEST_PROJECT_URL", "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "BUILD_REPOSITORY_URI", "BUILD_SOURCEVERSION",
        "SYSTEM_PULLREQUEST_SOURCECOMMITID",
    ];

    public static bool IsPresent()
    {
        foreach (var mark in Marks)
        {
            if (Environment.GetEnvironmentVariable(mark)?.Trim() is { Length: > 0 } value
                && value != "0"
                && !value.Equals("false", StringComparison.OrdinalIgnoreCase))
                return true;
        }
        return false;
    }

    public static string DescribeBuild() =>
        string.Join("\n", Array.ConvertAll(Names, static name => Environment.GetEnvironmentVariable(name) ?? ""));
}
