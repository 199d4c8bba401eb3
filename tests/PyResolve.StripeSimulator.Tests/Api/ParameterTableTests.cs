using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

public sealed class ParameterTableTests
{
    public static TheoryData<string> NotedCalls => [.. NotedParameters.Calls.Keys];

    [Fact]
    public void Every_supported_call_has_a_line_in_the_table_and_every_line_a_call() =>
        ParameterTable.Rules.Keys.ShouldBe(Routes.Names, ignoreOrder: true);

    [Theory]
    [MemberData(nameof(NotedCalls))]
    public void The_table_matches_the_list_of_parameters(string call)
    {
        ParameterTable.Rules.Keys.ShouldContain(call);
        foreach (var path in NotedParameters.Of(call))
        {
            var rule = ParameterTable.Rules[call];
            foreach (var (name, isRequired) in path)
            {
                if (rule.Type is "map" or "range")
                    break;
                rule.Members.Keys.ShouldContain(name, $"{call}: {string.Join('.', path)}");
                rule = rule.Members[name];
                if (isRequired)
                    rule.IsRequired.ShouldBeTrue($"{call}: {string.Join('.', path)}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(NotedCalls))]
    public void The_table_requires_exactly_the_parameters_that_the_list_requires(string call)
    {
        var noted = NotedParameters.Of(call).Where(static path => path[0].IsRequired).Select(static path => path[0].Name).Distinct();

        var required = ParameterTable.Rules[call].Members.Values.Where(static rule => rule.IsRequired).Select(static rule => rule.Name);

        required.ShouldBe(noted, ignoreOrder: true, call);
    }
}
