using System.Reflection;
using System.Reflection.Emit;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>What the compiled code of a call contains, with the methods of the API that it leads to.</summary>
internal static class CallCode
{
    private const string Api = "PyResolve.StripeSimulator.Api";

    private static readonly Dictionary<int, OperandType> Operands = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(static field => (OpCode)field.GetValue(null)!)
        .ToDictionary(static code => (int)(ushort)code.Value, static code => code.OperandType);

    /// <summary>The texts in it.</summary>
    public static IReadOnlySet<string> TextsOf(MethodBase start)
    {
        var (texts, seen, open) = (new HashSet<string>(), new HashSet<MethodBase> { start }, new Queue<MethodBase>([start]));
        while (open.TryDequeue(out var method))
        {
            foreach (var found in Read(method))
            {
                if (found is string text)
                    texts.Add(text);
                else if (found is MethodBase called && IsOfApi(called) && seen.Add(called))
                    open.Enqueue(called);
            }
        }

        return texts;
    }

    private static bool IsOfApi(MethodBase method) =>
        method.DeclaringType?.Namespace?.StartsWith(Api, StringComparison.Ordinal) == true && !method.IsGenericMethod;

    private static IEnumerable<object> Read(MethodBase method)
    {
        var code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < code.Length;)
        {
            int opcode = code[at++];
            if (opcode == 0xFE)
                opcode = (opcode << 8) | code[at++];
            var operand = Operands[opcode];
            if (operand == OperandType.InlineString)
                yield return method.Module.ResolveString(BitConverter.ToInt32(code, at));
            else if (operand is OperandType.InlineMethod or OperandType.InlineTok
                && method.Module.ResolveMember(
                    BitConverter.ToInt32(code, at), method.DeclaringType!.GetGenericArguments(), []) is MethodBase called)
                yield return called;
            at += operand == OperandType.InlineSwitch ? 4 + (4 * BitConverter.ToInt32(code, at)) : SizeOf(operand);
        }
    }

    private static int SizeOf(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };
}
