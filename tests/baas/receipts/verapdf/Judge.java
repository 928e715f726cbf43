import java.io.FileInputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Judges each file by each flavour: a line "flavour path compliant" or "... refused", then one for each rule that fails. */
public class Judge {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        for (String name : arguments[0].split(",")) {
            PDFAFlavour flavour = PDFAFlavour.fromString(name);
            for (int at = 1; at < arguments.length; at++) {
                judge(name, flavour, arguments[at]);
            }
        }
    }

    private static void judge(String name, PDFAFlavour flavour, String path) throws Exception {
        try (FileInputStream file = new FileInputStream(path);
                PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour)) {
            PDFAValidator validator = Foundries.defaultInstance().createValidator(flavour, false);
            ValidationResult result = validator.validate(parser);
            System.out.println(name + " " + path + (result.isCompliant() ? " compliant" : " refused"));
            for (TestAssertion failed : result.getTestAssertions()) {
                if (failed.getStatus() == TestAssertion.Status.FAILED) {
                    System.out.println("  " + failed.getRuleId().getClause() + "-" + failed.getRuleId().getTestNumber()
                            + " " + failed.getMessage());
                }
            }
        }
    }
}
