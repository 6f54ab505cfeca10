/// From the words of a pipeline document to terms that DPV 2.3 defines. Words without a term get a labelled node.
enum PrivacyTerms {
    /// `GDPR Art. 6(1)(e)`, `Article 9 (2) lit. j GDPR` → `eu-gdpr:A6-1-e`, `eu-gdpr:A9-2-j`; nil for other words.
    static func legalBasis(_ text: String) -> String? {
        var pieces: [String] = []
        for character in text.lowercased() {
            let isWord = character.isASCII && (character.isLetter || character.isNumber)
            let isSame = pieces.last?.last.map { $0.isNumber == character.isNumber } ?? false
            if !isWord {
                pieces.append("")
            } else if isSame {
                pieces[pieces.count - 1].append(character)
            } else {
                pieces.append(String(character))
            }
        }
        let words = pieces.filter { !$0.isEmpty }
        // Other laws have articles 6 and 9 too: without the regulation's name the words stay words.
        guard words.contains("gdpr") || words.contains("dsgvo") else { return nil }
        let fillers: Set<String> = ["gdpr", "dsgvo", "eu", "art", "article", "paragraph", "para", "point", "lit", "of"]
        let numbers = words.filter { !fillers.contains($0) }
        guard numbers.count == 3 else { return nil }
        switch (numbers[0], numbers[1], numbers[2]) {
        case ("6", "1", let letter) where letter.count == 1 && ("a"..."f").contains(letter):
            return "eu-gdpr:A6-1-\(letter)"
        case ("9", "2", let letter) where letter.count == 1 && ("a"..."j").contains(letter):
            return "eu-gdpr:A9-2-\(letter)"
        default: return nil
        }
    }

    /// `patients`, `Patient` → `dpv:Patient`.
    static func dataSubject(_ text: String) -> String? {
        term(text, dataSubjects).map { "dpv:\($0)" }
    }

    /// `email address`, `EmailAddress`, `pd:EmailAddress` → `pd:EmailAddress`.
    static func personalData(_ text: String) -> String? {
        let bare = text.hasPrefix("pd:") ? String(text.dropFirst(3)) : text
        return term(bare, personalData).map { "pd:\($0)" }
    }

    private static func term(_ text: String, _ terms: [String]) -> String? {
        let word = text.lowercased().filter { $0.isLetter }
        let candidates = [word, String(word.dropLast(word.hasSuffix("s") ? 1 : 0)), word == "children" ? "child" : word]
        return terms.first { candidates.contains($0.lowercased()) }
    }

    static let dataSubjects = [
        "Adult", "Applicant", "AsylumSeeker", "Child", "Citizen", "Client", "Consumer", "Customer", "Employee",
        "Immigrant", "JobApplicant", "Member", "Participant", "Patient", "Student", "Subscriber", "Tourist", "User",
        "Visitor",
    ]

    static let personalData = [
        "AccountIdentifier", "Age", "AgeExact", "AgeRange", "BankAccount", "Behavioural", "Biometric", "BirthCountry",
        "BirthDate", "BirthPlace", "BloodType", "BrowserFingerprint", "Citizenship", "City", "Communication", "Contact",
        "Country", "CreditCardNumber", "CreditScore", "Criminal", "CriminalConviction", "CurrentEmployment",
        "CurrentLocation", "Demographic", "DeviceBased", "Disability", "DrugTestResult", "Education", "EmailAddress",
        "EmploymentHistory", "EthnicOrigin", "Ethnicity", "Family", "Financial", "FinancialAccount",
        "FinancialAccountNumber", "Fingerprint", "GPSCoordinate", "Gender", "Genetic", "Geographic", "Health",
        "HealthHistory", "HealthRecord", "Height", "HomeLocation", "HouseNumber", "Household", "IPAddress",
        "Identifier", "Identifying", "Income", "Insurance", "Job", "Language", "Location", "MACAddress",
        "MaritalStatus", "MedicalHealth", "MentalHealth", "Name", "Nationality", "OfficialID", "Opinion", "Passport",
        "Password", "PaymentCard", "PaymentCardNumber", "PhilosophicalBelief", "PhysicalAddress",
        "PhysicalCharacteristic", "PhysicalHealth", "Picture", "PoliticalOpinion", "PostalCode", "Prescription",
        "Professional", "Purchase", "Race", "Region", "Religion", "ReligiousBelief", "Residency", "Salary", "Sexual",
        "Social", "SocialMedia", "Street", "Tax", "TelephoneNumber", "TradeUnionMembership", "Transaction",
        "Transactional", "TravelHistory", "UID", "Username", "Vehicle", "VehicalLicenseNumber", "Weight",
        "WorkHistory", "WorkLocation",
    ]
}
