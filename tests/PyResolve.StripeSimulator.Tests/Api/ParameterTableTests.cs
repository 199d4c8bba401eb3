using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

public sealed class ParameterTableTests
{
    public static TheoryData<string> NotedCalls => [.. NotedParameters.Calls.Keys];

    [Fact]
    public void Every_call_that_is_answered_has_its_line_in_the_table_and_every_line_its_call() =>
        ParameterTable.Rules.Keys.ShouldBe(Routes.Names, ignoreOrder: true);

    [Theory]
    [MemberData(nameof(NotedCalls))]
    public void What_is_noted_about_a_call_holds_in_the_table(string call)
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
    public void The_table_requires_at_the_top_exactly_what_is_noted_as_required(string call)
    {
        var noted = NotedParameters.Of(call).Where(static path => path[0].IsRequired).Select(static path => path[0].Name).Distinct();

        var required = ParameterTable.Rules[call].Members.Values.Where(static rule => rule.IsRequired).Select(static rule => rule.Name);

        required.ShouldBe(noted, ignoreOrder: true, call);
    }
}
